# fettle: plain GNU Make. `make help` says what it can do.
#
# Every src/ROOM/*.c but src/app/main.c goes into libfettle.a; every
# test/unit/NAME_test.c is a program of its own that speaks TAP. The addon is
# built apart (addon/rules.mk): no sanitizer may reach a process of Node's.

VERSION := 0.1.0
CC      ?= cc
PREFIX  ?= /usr/local
BUILD   ?= build
OPT     ?= -O3 -g
# Rooms that see no request: smaller is better, three processes have them in memory.
OPT_COLD ?= -O2 -g
SAN     ?=
PORT    ?= 3000

# V=1 shows the commands.
Q       := $(if $(V),,@)

PKGS    := jansson zlib libzstd
# Their headers only: what is needed of them is loaded when it is used.
PKGS_LOADED := libpq libmariadb sqlite3 hiredis libcares
WARN    := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla \
           -Wpointer-arith -Wwrite-strings -Wno-sign-compare
# Expanded when a file is compiled, not before `make run` has installed what it asks for.
CFLAGS_ALL = -std=gnu17 $(OPT) $(WARN) -fno-strict-aliasing -fstack-protector-strong -fPIE \
           -D_FORTIFY_SOURCE=2 -D_GNU_SOURCE -Isrc -DFETTLE_VERSION='"$(VERSION)"' \
           $(shell pkg-config --cflags $(PKGS) $(PKGS_LOADED)) $(SAN) $(CFLAGS)
LDLIBS_ALL = $(shell pkg-config --libs $(PKGS)) -pthread -ldl -lm $(LDLIBS)

LIB_C   := $(filter-out src/app/main.c,$(wildcard src/*/*.c))
LIB_O   := $(LIB_C:%.c=$(BUILD)/%.o)
UNIT    := $(patsubst %.c,$(BUILD)/%,$(wildcard test/unit/*_test.c))

.PHONY: all help run test check unit e2e lint format fuzz bench bench-check clean setup
all: $(BUILD)/fettle addon

help:
	@sed -n 's/^## //p' $(MAKEFILE_LIST)

ifeq ($(origin OPT),file)
$(BUILD)/src/app/%.o $(BUILD)/src/conf/%.o $(BUILD)/src/worker/%.o $(BUILD)/src/admin/%.o $(BUILD)/src/logs/%.o \
$(BUILD)/src/sql/%.o $(BUILD)/src/sourcemap/%.o $(BUILD)/src/finding/%.o $(BUILD)/src/otlp/%.o $(BUILD)/src/inspect/%.o $(BUILD)/src/view/%.o: OPT = $(OPT_COLD)
endif

include addon/rules.mk
include npm/rules.mk
include scripts/install.mk
include test/bench/hop/rules.mk

$(BUILD)/fettle: $(BUILD)/src/app/main.o $(BUILD)/libfettle.a
	@$(if $(V),,echo "  link $@")
	$(Q)$(CC) $(CFLAGS_ALL) -pie -o $@ $^ $(LDLIBS_ALL)

$(BUILD)/libfettle.a: $(LIB_O)
	@rm -f $@
	@ar rcs $@ $^

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	@$(if $(V),,echo "  cc $<")
	$(Q)$(CC) $(CFLAGS_ALL) -MMD -MP -c -o $@ $<

# The assembler takes web/ into it.
$(BUILD)/src/view/assets.o build/fuzz/o/src/view/assets.o: $(wildcard web/*)

# What src/heap makes of a snapshot, for the comparison with DevTools' code.
$(BUILD)/test/heap/heap_dump: test/heap/heap_dump.c $(BUILD)/libfettle.a
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS_ALL) -o $@ $^ $(LDLIBS_ALL)

# Makes calls of fettle's fail (test/e2e/faults.test.mjs). No sanitizer: it is there before they are.
$(BUILD)/test/fault/faults.so: test/fault/faults.c test/fault/calls.h
	@mkdir -p $(@D)
	$(Q)$(CC) -std=gnu17 -O1 -g -fPIC -Wall -Wextra -Werror -D_GNU_SOURCE -fno-builtin -shared -o $@ $< -ldl

# What src/sourcemap makes of a map, for the comparison with others.
$(BUILD)/test/profile/sourcemap_dump: test/profile/sourcemap_dump.c $(BUILD)/libfettle.a
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS_ALL) -o $@ $^ $(LDLIBS_ALL)

$(BUILD)/test/unit/%: test/unit/%.c $(BUILD)/libfettle.a
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS_ALL) -Itest -MMD -MP -o $@ $(filter %.c,$^) $(filter %.a,$^) $(LDLIBS_ALL)

## make            builds build/fettle and what goes with it (the packages of `make setup` are needed)
## make setup      installs what is missing to build and run, from Debian and npm
setup:
	@scripts/setup run

## make run        sets up, builds, and runs examples/shop under fettle (PORT=3000)
run: setup
	@$(MAKE) --no-print-directory -s all
	PORT=$(PORT) $(BUILD)/fettle run examples/shop

## make test       sets up, builds, and runs every test
test:
	@scripts/setup test
	@$(MAKE) --no-print-directory check

## make check      every test, without the set-up: lint, unit (ASan, UBSan, TSan), fuzz corpora, end to end
check:
	@scripts/check

# Builds of their own, in folders of their own.
ASAN    := -fsanitize=address,undefined -fno-sanitize-recover=all
# The fence of a ring of records (shm/journal.h) is unknown to it; no test under it reads such a ring.
TSAN    := -fsanitize=thread -Wno-tsan
ASAN_MAKE = $(MAKE) --no-print-directory -s BUILD=build/asan SAN='$(ASAN)' OPT='-O1 -g'
TSAN_MAKE = $(MAKE) --no-print-directory -s BUILD=build/tsan SAN='$(TSAN)' OPT='-O1 -g'

.PHONY: check-build check-beside
# What scripts/check asks for first, all of it at once: nothing else may be built after this in build/ itself.
check-build: lint hop e2e-build nodes

.PHONY: check-asan check-tsan
# What keeps CPUs busy while end-to-end tests wait.
check-beside: fuzz-replay check-asan check-tsan bench-check
check-asan:
	+@$(ASAN_MAKE) unit-run e2e-build-sanitized
check-tsan:
	+@$(TSAN_MAKE) tsan-run e2e-build-sanitized

# The unit tests run under the sanitizers only: what they find is found there too.
THREADED := cache_store cache_flight io_spool io_errand proxy_queue proxy_series balance_pathset io_loop logs_logfile heap_numbers heap_graph upstream_retry_budget upstream_circuit upstream_endpoint_health profile_profile guard_limiter shared_kvstore

.PHONY: unit-run fuzz-replay fuzz-programs tsan-run
## make unit       the unit tests under ASan+UBSan, the threaded ones under TSan too
unit: unit-asan unit-tsan
.PHONY: unit-asan unit-tsan
unit-asan:
	+@$(ASAN_MAKE) unit-run
unit-tsan:
	+@$(TSAN_MAKE) tsan-run

unit-run: $(UNIT)
	prove --exec '' $(UNIT)

TSAN_UNIT := $(filter $(patsubst %,$(BUILD)/test/unit/%_test,$(THREADED)),$(UNIT))
tsan-run: $(TSAN_UNIT)
	$(if $(TSAN_UNIT),prove --exec '' $(TSAN_UNIT))

## make e2e        end-to-end tests with real Node: node --test; E2E=pattern chooses files
.PHONY: e2e-build e2e-build-sanitized e2e-beside e2e-alone e2e-asan e2e-asan-alone e2e-soak-tsan e2e-heap-asan e2e-heap-tsan
files = $(patsubst %,test/e2e/%.test.mjs,$(1))
E2E_ALL := $(wildcard test/e2e/*.test.mjs)
# Those whose subject is time or the CPUs: one after the other, with nothing beside them.
E2E_ALONE := $(filter $(call files,agent_loop balancing bench block block_sources blocks lanes proxy_balance scale),$(E2E_ALL))
# Those that strain fettle's own processes run once more on a build with ASan and UBSan.
E2E_ASAN := $(filter $(call files,otlp otlp_way proxy_% supervisor soak),$(E2E_ALL))
# Snapshots of every kind, by two threads.
HEAP_RUN := --test-name-pattern='reference snapshots: |random heaps' test/e2e/heap_devtools.test.mjs
# How many files at once: tests mostly wait.
E2E_JOBS ?= $(shell echo $$(($$(nproc) + 1)))
# One known runner, whatever Node the machine has; no test may hang for ever.
E2E_RUN := build/nodes/22/node --test --test-timeout=300000 --test-concurrency

.PHONY: nodes
nodes:
	@scripts/nodes

# Programs that tell what fettle's own code makes of a file, for comparisons.
E2E_DUMPS := $(addprefix $(BUILD)/test/,heap/heap_dump profile/sourcemap_dump)
e2e-build: all addon-test-tools npm-package $(E2E_DUMPS) $(BUILD)/test/fault/faults.so
# In $(BUILD) of the sanitizers.
e2e-build-sanitized: all $(E2E_DUMPS)
.PHONY: e2e-build-asan e2e-build-tsan
e2e-build-asan:
	+@$(ASAN_MAKE) e2e-build-sanitized
e2e-build-tsan:
	+@$(TSAN_MAKE) e2e-build-sanitized

ifdef E2E
e2e: e2e-build nodes
	$(E2E_RUN)=1 $(E2E)
else
e2e:
	@scripts/check e2e
endif

# Parts of it, for scripts/check: what they run is built already. Without files, `node --test` would look for some.
run = $(if $(strip $(2)),$(E2E_RUN)=$(1) $(2))
e2e-beside:
	$(call run,$(E2E_JOBS),$(filter-out $(E2E_ALONE),$(E2E_ALL)))
e2e-alone:
	$(call run,1,$(E2E_ALONE))
e2e-asan: export FETTLE_TEST_BUILD = build/asan
e2e-asan: export FETTLE_SOAK = 15
e2e-asan:
	$(call run,$(E2E_JOBS),$(filter-out $(E2E_ALONE),$(E2E_ASAN)))
e2e-asan-alone: export FETTLE_TEST_BUILD = build/asan
e2e-asan-alone:
	$(call run,1,$(filter $(E2E_ALONE),$(E2E_ASAN)))
e2e-soak-tsan:
	FETTLE_TEST_BUILD=build/tsan FETTLE_SOAK=15 FETTLE_THREADS=3 $(call run,1,test/e2e/soak.test.mjs)
e2e-heap-asan:
	FETTLE_TEST_BUILD=build/asan $(call run,1,$(HEAP_RUN))
e2e-heap-tsan:
	FETTLE_TEST_BUILD=build/tsan $(call run,1,$(HEAP_RUN))

# ---- fuzzing ----
FUZZ_C   := $(wildcard test/fuzz/*_fuzz.c)
FUZZ     := $(FUZZ_C:test/fuzz/%.c=build/fuzz/%)
FUZZ_SRC := $(wildcard src/base/*.c src/http/*.c src/conf/*.c src/cache/*.c) src/load/answer.c src/load/echo.c src/logs/logline.c src/redis/tierentry.c src/io/activation.c src/io/sock.c src/io/srv_answer.c src/upstream/load_report.c src/worker/order.c src/worker/frame.c src/balance/router.c src/view/params.c $(addprefix src/otlp/,protobuf.c partial.c spanform.c identity.c) $(wildcard src/heap/*.c) $(wildcard src/profile/*.c) $(wildcard src/finding/*.c) $(filter-out %_client.c,$(wildcard src/sql/*.c)) \
            $(filter-out src/sourcemap/sourcemap_cache.c,$(wildcard src/sourcemap/*.c)) \
            $(addprefix src/view/,assets.c flame.c flame_html.c flame_svg.c speedscope.c) \
            $(addprefix src/inspect/,listing.c message.c session.c tcp_listens.c unescape.c wait.c)
FUZZ_SECONDS ?= 60

FUZZ_FLAGS := -std=gnu17 -O1 -g -D_GNU_SOURCE -DFETTLE_VERSION='"$(VERSION)"' -Isrc -fno-sanitize-recover=all
FUZZ_O   := $(FUZZ_SRC:%.c=build/fuzz/o/%.o)

# What is fuzzed is compiled once for all fuzzers.
build/fuzz/o/%.o: %.c
	@mkdir -p $(@D)
	@clang $(FUZZ_FLAGS) -fsanitize=fuzzer-no-link,address,undefined $(shell pkg-config --cflags $(PKGS)) -MMD -MP -c -o $@ $<

build/fuzz/libfuzzed.a: $(FUZZ_O)
	@rm -f $@
	@ar rcs $@ $^

build/fuzz/%: test/fuzz/%.c build/fuzz/libfuzzed.a
	@mkdir -p $(@D)
	@echo "  fuzzer $@"
	@clang $(FUZZ_FLAGS) -fsanitize=fuzzer,address,undefined $(shell pkg-config --cflags $(PKGS)) -o $@ $^ $(shell pkg-config --libs $(PKGS))

fuzz-programs: $(FUZZ)

## make fuzz       fuzzes each parser for FUZZ_SECONDS (60)
fuzz: $(FUZZ)
	@mkdir -p build/fuzz/found
	@set -e; for f in $(FUZZ); do name=$$(basename $$f _fuzz); mkdir -p build/fuzz/corpus/$$name; \
	    echo "fuzzing $$name for $(FUZZ_SECONDS) s"; \
	    $$f -max_total_time=$(FUZZ_SECONDS) -artifact_prefix=build/fuzz/found/ \
	        build/fuzz/corpus/$$name test/fuzz/corpus/$$name 2>&1 | tail -n 3; done

FUZZ_REPLAY := $(FUZZ:build/fuzz/%_fuzz=fuzz-replay-%)
.PHONY: $(FUZZ_REPLAY)
fuzz-replay: $(FUZZ_REPLAY)
$(FUZZ_REPLAY): fuzz-replay-%: build/fuzz/%_fuzz
	@mkdir -p build/fuzz/new/$*
	@$< -runs=20000 -seed=1 build/fuzz/new/$* test/fuzz/corpus/$* >build/fuzz/$*.log 2>&1 || \
	    { cat build/fuzz/$*.log; exit 1; }
	@echo "ok - $* replays its corpus and 20000 mutations of it"

# Programs of the bench: known delays, for the generator's exactness; what a program takes.
BENCH_PROGRAMS := $(patsubst %.c,$(BUILD)/%,$(wildcard test/bench/delays.c test/bench/usage.c))
$(BENCH_PROGRAMS): $(BUILD)/%: %.c $(BUILD)/libfettle.a
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS_ALL) -o $@ $< $(BUILD)/libfettle.a $(LDLIBS_ALL)

## make bench      fettle and its peers side by side, in one run, written to doc/BENCHMARKS.md; ONLY=part ROUNDS= SECONDS=
bench: all npm-package $(if $(wildcard test/bench/hop/rules.mk),hop) $(BENCH_PROGRAMS) $(BUILD)/test/e2e/agent_supervisor
	@scripts/setup bench
	@scripts/nodes 22 24
	build/nodes/22/node test/bench/run.mjs

# What the bench makes of figures: its page and its contenders' configurations, without a measurement.
bench-check: hop
	build/nodes/22/node --test test/bench/*.test.mjs

## make lint       layers, names and formatting
lint:
	@scripts/lint

## make format     formats every C file
format:
	clang-format -i src/*/*.[ch] addon/*.[ch] npm/native/*.[ch] test/*.h test/*/*.c

## make install    PREFIX=/usr/local DESTDIR=; make uninstall

## make clean
clean:
	rm -rf build/src build/test build/asan build/tsan build/fuzz build/fettle build/libfettle.a \
	    build/*.so build/*.node build/*.js

-include $(LIB_O:.o=.d) $(BUILD)/src/app/main.d $(UNIT:=.d) $(FUZZ_O:.o=.d)
