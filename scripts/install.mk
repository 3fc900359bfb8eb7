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
SHARE       := $(BUILD)/share
PAGES       := $(SHARE)/fettle.1 $(SHARE)/fettle.bash $(SHARE)/fettle.zsh $(SHARE)/fettle.fish
DOCS         = $(wildcard README.md ARCHITECTURE.md doc/*.md)

.PHONY: install uninstall pages
pages: $(PAGES)

$(SHARE)/fettle.1: $(BUILD)/fettle
	@mkdir -p $(@D)
	$(BUILD)/fettle __man >$@.new && mv $@.new $@

$(SHARE)/fettle.%: $(BUILD)/fettle
	@mkdir -p $(@D)
	$(BUILD)/fettle completion $* >$@.new && mv $@.new $@

# The copy in the tree; test/e2e/cli.test.mjs checks that it is up to date.
doc/settings.md: $(BUILD)/fettle
	$(BUILD)/fettle __settings-md >$@.new && mv $@.new $@

install: all pages
	$(INSTALL) -d "$(DESTDIR)$(BINDIR)" "$(DESTDIR)$(LIBDIR)" "$(DESTDIR)$(MANDIR)" "$(DESTDIR)$(DOCDIR)" \
	    "$(DESTDIR)$(BASHDIR)" "$(DESTDIR)$(ZSHDIR)" "$(DESTDIR)$(FISHDIR)"
	$(INSTALL) -m 755 $(BUILD)/fettle "$(DESTDIR)$(BINDIR)/fettle"
	$(INSTALL) -m 644 $(addprefix $(BUILD)/,$(AGENT_PARTS)) "$(DESTDIR)$(LIBDIR)/"
	$(INSTALL) -m 644 $(SHARE)/fettle.1 "$(DESTDIR)$(MANDIR)/fettle.1"
	$(INSTALL) -m 644 $(SHARE)/fettle.bash "$(DESTDIR)$(BASHDIR)/fettle"
	$(INSTALL) -m 644 $(SHARE)/fettle.zsh "$(DESTDIR)$(ZSHDIR)/_fettle"
	$(INSTALL) -m 644 $(SHARE)/fettle.fish "$(DESTDIR)$(FISHDIR)/fettle.fish"
	$(if $(DOCS),$(INSTALL) -m 644 $(DOCS) "$(DESTDIR)$(DOCDIR)/")

uninstall:
	rm -f "$(DESTDIR)$(BINDIR)/fettle" "$(DESTDIR)$(MANDIR)/fettle.1" "$(DESTDIR)$(BASHDIR)/fettle" \
	    "$(DESTDIR)$(ZSHDIR)/_fettle" "$(DESTDIR)$(FISHDIR)/fettle.fish"
	for f in $(AGENT_PARTS); do rm -f "$(DESTDIR)$(LIBDIR)/$$f"; done
	for f in $(notdir $(DOCS)); do rm -f "$(DESTDIR)$(DOCDIR)/$$f"; done
	-rmdir "$(DESTDIR)$(LIBDIR)" "$(DESTDIR)$(DOCDIR)"
