# scripts/install.mk -- `make install` and `make uninstall`; part of the Makefile
#
#   make install PREFIX=/usr/local DESTDIR=
#
# What is installed: the program, the parts that it loads into Node, the man page, completions for
# bash, zsh and fish, and the documents. `uninstall` removes exactly these.

PREFIX      ?= /usr/local
# fettle looks for its parts beside itself and in ../lib/fettle from there: these two go together.
BINDIR      := $(PREFIX)/bin
LIBDIR      := $(PREFIX)/lib/fettle
MANDIR      ?= $(PREFIX)/share/man/man1
DOCDIR      ?= $(PREFIX)/share/doc/fettle
BASHDIR     ?= $(PREFIX)/share/bash-completion/completions
ZSHDIR      ?= $(PREFIX)/share/zsh/site-functions
FISHDIR     ?= $(PREFIX)/share/fish/vendor_completions.d
INSTALL     ?= install

AGENT_PARTS := fettle-loop.so agent.js agent.node
DOCS         = $(wildcard ARCHITECTURE.md doc/*.md doc/*.png)

.PHONY: install install-built uninstall
install: all
	@$(MAKE) --no-print-directory install-built

# What is in $(BUILD), as it is: builds nothing.
install-built:
	$(INSTALL) -d "$(DESTDIR)$(BINDIR)" "$(DESTDIR)$(LIBDIR)" "$(DESTDIR)$(MANDIR)" "$(DESTDIR)$(DOCDIR)" \
	    "$(DESTDIR)$(BASHDIR)" "$(DESTDIR)$(ZSHDIR)" "$(DESTDIR)$(FISHDIR)"
	$(INSTALL) -m 755 $(BUILD)/fettle "$(DESTDIR)$(BINDIR)/fettle"
	$(INSTALL) -m 644 $(addprefix $(BUILD)/,$(AGENT_PARTS)) "$(DESTDIR)$(LIBDIR)/"
	$(BUILD)/fettle __man >"$(DESTDIR)$(MANDIR)/fettle.1"
	$(BUILD)/fettle completion bash >"$(DESTDIR)$(BASHDIR)/fettle"
	$(BUILD)/fettle completion zsh >"$(DESTDIR)$(ZSHDIR)/_fettle"
	$(BUILD)/fettle completion fish >"$(DESTDIR)$(FISHDIR)/fettle.fish"
	chmod 644 "$(DESTDIR)$(MANDIR)/fettle.1" "$(DESTDIR)$(BASHDIR)/fettle" "$(DESTDIR)$(ZSHDIR)/_fettle" \
	    "$(DESTDIR)$(FISHDIR)/fettle.fish"
	$(if $(DOCS),$(INSTALL) -m 644 $(DOCS) "$(DESTDIR)$(DOCDIR)/")

# The copies in the tree; test/e2e/cli.test.mjs and config.test.mjs check that they are up to date.
doc/settings.md: $(BUILD)/fettle
	$(BUILD)/fettle __settings-md >$@.new && mv $@.new $@

doc/pm2.md: $(BUILD)/fettle
	$(BUILD)/fettle __pm2-md >$@.new && mv $@.new $@

uninstall:
	rm -f "$(DESTDIR)$(BINDIR)/fettle" "$(DESTDIR)$(MANDIR)/fettle.1" "$(DESTDIR)$(BASHDIR)/fettle" \
	    "$(DESTDIR)$(ZSHDIR)/_fettle" "$(DESTDIR)$(FISHDIR)/fettle.fish"
	for f in $(AGENT_PARTS); do rm -f "$(DESTDIR)$(LIBDIR)/$$f"; done
	for f in $(notdir $(DOCS)); do rm -f "$(DESTDIR)$(DOCDIR)/$$f"; done
	-rmdir "$(DESTDIR)$(LIBDIR)" "$(DESTDIR)$(DOCDIR)"
