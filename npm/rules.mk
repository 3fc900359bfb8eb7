# npm/rules.mk -- the npm package: `make package`
#
# Its addon is built like the agent (addon/rules.mk): no sanitizer may reach a process of Node's.
# Where there is a compiler for another processor or libc it is prebuilt for that as well.

NPM_C := $(wildcard npm/native/*.c) $(wildcard src/shared/*.c) src/base/hash.c src/base/str.c
NPM_H := $(wildcard npm/native/*.h src/shared/*.h) src/base/base.h src/base/hash.h src/base/str.h src/base/clock.h
NPM_CFLAGS := $(subst -O2,-O3,$(ADDON_CFLAGS)) -Inpm/native
# What npm packs of npm/ (package.json, files), but for what is built.
NPM_FILES := $(wildcard npm/*.js npm/*.mjs npm/*.d.ts npm/*.d.mts npm/*.json npm/*.md npm/lib/*.js)

# folder of the prebuilt addon = its compiler
NPM_TARGETS := linux-$(subst x86_64,x64,$(subst aarch64,arm64,$(shell uname -m)))-glibc=$(CC) \
    $(if $(shell command -v aarch64-linux-gnu-gcc),linux-arm64-glibc=aarch64-linux-gnu-gcc) \
    $(if $(shell command -v x86_64-linux-gnu-gcc),linux-x64-glibc=x86_64-linux-gnu-gcc) \
    $(if $(shell command -v x86_64-linux-musl-gcc musl-gcc),linux-x64-musl=$(firstword $(shell command -v x86_64-linux-musl-gcc musl-gcc))) \
    $(if $(shell command -v aarch64-linux-musl-gcc),linux-arm64-musl=aarch64-linux-musl-gcc)
# One compiler a folder.
NPM_ADDONS := $(sort $(foreach t,$(NPM_TARGETS),$(BUILD)/package/prebuilds/$(firstword $(subst =, ,$(t)))/shared.node))

npm_cc = $(lastword $(subst =, ,$(firstword $(filter $(1)=%,$(NPM_TARGETS)))))

$(BUILD)/package/prebuilds/%/shared.node: $(NPM_C) $(NPM_H) npm/rules.mk
	@mkdir -p $(@D)
	@$(if $(V),,echo "  link $@")
	$(Q)$(call npm_cc,$*) $(NPM_CFLAGS) -isystem $(NODE_API_INC) -shared -Wl,-z,nodelete -o $@ $(NPM_C) -pthread

$(BUILD)/package/%: npm/%
	@mkdir -p $(@D)
	$(Q)cp $< $@

# As it is when it has been unpacked: what tests and examples require.
.PHONY: npm-package package
npm-package: $(NPM_ADDONS) $(NPM_FILES:npm/%=$(BUILD)/package/%)

## make package    the npm package `fettle` (build/fettle-VERSION.tgz), with its addon built for what there is a compiler for
package: npm-package
	cd $(BUILD)/package && npm pack --silent --pack-destination ..
