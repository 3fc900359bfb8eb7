# test/bench/hop/rules.mk -- what `make bench` needs to measure the proxy's hop alone

HOP      := $(BUILD)/test/bench/hop
HOP_DEPS := addon/link.c $(ADDON_H)

# Only one of the relays wants liburing: without it (`scripts/setup bench` brings it) that one is left out.
URING    := $(shell pkg-config --libs liburing 2>/dev/null)

.PHONY: hop
hop: all $(addprefix $(HOP)/,backend client relay under.so $(if $(URING),relay-uring))

$(HOP)/backend: test/bench/hop/backend.c $(HOP_DEPS)
	@mkdir -p $(@D)
	@$(if $(V),,echo "  link $@")
	$(Q)$(CC) $(ADDON_CFLAGS) -isystem $(NODE_API_INC) -o $@ $< addon/link.c -ldl -pthread

$(HOP)/%: test/bench/hop/%.c
	@mkdir -p $(@D)
	@$(if $(V),,echo "  link $@")
	$(Q)$(CC) $(ADDON_CFLAGS) -o $@ $<

$(HOP)/relay-uring: test/bench/hop/relay-uring.c
	@mkdir -p $(@D)
	@$(if $(V),,echo "  link $@")
	$(Q)$(CC) $(ADDON_CFLAGS) $(shell pkg-config --cflags liburing) -o $@ $< $(URING)

$(HOP)/under.so: test/bench/hop/under.c
	@mkdir -p $(@D)
	@$(if $(V),,echo "  link $@")
	$(Q)$(CC) $(ADDON_CFLAGS) -shared -o $@ $< -ldl
