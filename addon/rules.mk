# addon/rules.mk -- what runs inside Node: `make addon`
#
# Built without $(CFLAGS) and $(SAN): sanitizers must not reach a process of Node's. Node-API's
# headers come from npm (node-api-headers), else from an installed Node; NODE_API_INC overrides.

NODE_API_INC ?= $(firstword $(wildcard node_modules/node-api-headers/include \
                $(dir $(shell command -v node 2>/dev/null))../include/node /usr/include/node))

ADDON_CFLAGS := -std=gnu17 -O2 -g -fPIC -fvisibility=hidden -fstack-protector-strong -pthread \
                -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla \
                -Wpointer-arith -Wwrite-strings -Wno-sign-compare -D_GNU_SOURCE -Isrc -Iaddon
# Statements are told from each other as the rest of fettle does it.
ADDON_SQL    := src/sql/fingerprint.c src/sql/shape.c src/sql/token.c
ADDON_C      := $(filter-out addon/loop.c,$(wildcard addon/*.c)) $(ADDON_SQL)
ADDON_H      := $(wildcard addon/*.h) $(ADDON_SQL:.c=.h) $(addprefix src/shm/,layout.h journal.h blocked.h opened.h peers.h wire.h calls.h allocated.h trace.h)

.PHONY: addon
addon: $(BUILD)/fettle-loop.so $(BUILD)/agent.node $(BUILD)/agent.js

$(BUILD)/fettle-loop.so: addon/loop.c $(ADDON_H)
	@mkdir -p $(@D)
	@$(if $(V),,echo "  link $@")
	$(Q)$(CC) $(ADDON_CFLAGS) -shared -Wl,-z,noseparate-code -o $@ $< -ldl -pthread

# Node-API's functions are found in the node binary when the object is loaded. It stays loaded: the
# code of the agent thread and of the callbacks must outlive every environment. All but agent.js of
# the JavaScript is in it (part.c). One segment less to map is 10 us less at each start.
$(BUILD)/agent.node: $(ADDON_C) $(ADDON_H) $(filter-out addon/agent.js,$(wildcard addon/*.js))
	@mkdir -p $(@D)
	@test -n "$(NODE_API_INC)" || { echo "addon: no node_api.h: run npm install (node-api-headers)" >&2; exit 1; }
	@$(if $(V),,echo "  link $@")
	$(Q)$(CC) $(ADDON_CFLAGS) -isystem $(NODE_API_INC) -shared -Wl,-z,nodelete,-z,noseparate-code -o $@ $(ADDON_C) -ldl -pthread

$(BUILD)/agent.js: addon/agent.js
	@mkdir -p $(@D)
	$(Q)cp $< $@

# What test/e2e/agent_*.test.mjs run the agent against.
.PHONY: addon-test-tools
addon-test-tools: addon $(BUILD)/test/e2e/agent_supervisor $(BUILD)/test/e2e/upstream.node

$(BUILD)/test/e2e/agent_supervisor: test/e2e/helpers/agent_supervisor.c $(ADDON_H)
	@mkdir -p $(@D)
	@$(if $(V),,echo "  link $@")
	$(Q)$(CC) $(ADDON_CFLAGS) -o $@ $< -pthread

$(BUILD)/test/e2e/upstream.node: test/e2e/helpers/upstream.c $(ADDON_H)
	@mkdir -p $(@D)
	@$(if $(V),,echo "  link $@")
	$(Q)$(CC) $(ADDON_CFLAGS) -isystem $(NODE_API_INC) -shared -o $@ $<

# The addon of examples/blocks.
addon-test-tools: $(BUILD)/test/e2e/compute.node
$(BUILD)/test/e2e/compute.node: examples/blocks/compute.c
	@mkdir -p $(@D)
	@$(if $(V),,echo "  link $@")
	$(Q)$(CC) $(ADDON_CFLAGS) -isystem $(NODE_API_INC) -shared -o $@ $<

# What knows no Node is tested like the rest of fettle; the journal is the test's.
ADDON_SPANS_TEST := $(BUILD)/test/unit/addon_spans_test
$(ADDON_SPANS_TEST): $(addprefix addon/,spans.c spanrecord.c calls.c) $(ADDON_H)
$(ADDON_SPANS_TEST): private CFLAGS += -Iaddon
