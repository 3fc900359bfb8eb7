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
WARN    := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla \
           -Wpointer-arith -Wwrite-strings -Wno-sign-compare
# Expanded when a file is compiled, not before `make run` has installed what it asks for.
CFLAGS_ALL = -std=gnu17 $(OPT) $(WARN) -fno-strict-aliasing -fstack-protector-strong -fPIE \
           -D_FORTIFY_SOURCE=2 -D_GNU_SOURCE -Isrc -DFETTLE_VERSION='"$(VERSION)"' \
           $(shell pkg-config --cflags $(PKGS)) $(SAN) $(CFLAGS)
LDLIBS_ALL = $(shell pkg-config --libs $(PKGS)) -pthread -ldl -lm $(LDLIBS)

LIB_C   := $(filter-out src/app/main.c,$(wildcard src/*/*.c))
LIB_O   := $(LIB_C:%.c=$(BUILD)/%.o)
UNIT    := $(patsubst %.c,$(BUILD)/%,$(wildcard test/unit/*_test.c))

.PHONY: all help run test check unit e2e lint format fuzz bench bench-check clean setup
all: $(BUILD)/fettle addon

help:
	@sed -n 's/^## //p' $(MAKEFILE_LIST)

ifeq ($(origin OPT),file)
$(BUILD)/src/app/%.o $(BUILD)/src/conf/%.o $(BUILD)/src/worker/%.o $(BUILD)/src/admin/%.o $(BUILD)/src/logs/%.o: OPT = $(OPT_COLD)
endif

include addon/rules.mk
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

# What src/sourcemap makes of a map, for the comparison with others.
$(BUILD)/test/profile/sourcemap_dump: test/profile/sourcemap_dump.c $(BUILD)/libfettle.a
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS_ALL) -o $@ $^ $(LDLIBS_ALL)

$(BUILD)/test/unit/%: test/unit/%.c $(BUILD)/libfettle.a
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS_ALL) -Itest -MMD -MP -o $@ $(filter %.c %.a,$^) $(LDLIBS_ALL)

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
	@scripts/nodes
	@$(MAKE) --no-print-directory check

## make check      every test, without the set-up: lint, unit (ASan, UBSan, TSan), fuzz corpora, end to end
check: lint unit fuzz-replay bench-check e2e

# The unit tests run under the sanitizers only: what they find is found there too.
ASAN    := -fsanitize=address,undefined -fno-sanitize-recover=all
TSAN    := -fsanitize=thread
THREADED := io_spool proxy_queue proxy_series io_loop logs_logfile heap_numbers heap_graph

.PHONY: unit-run fuzz-replay fuzz-programs tsan-run
## make unit       the unit tests under ASan+UBSan, the threaded ones under TSan too
unit:
	@$(MAKE) --no-print-directory -s BUILD=build/asan SAN='$(ASAN)' OPT='-O1 -g' unit-run
	@$(MAKE) --no-print-directory -s BUILD=build/tsan SAN='$(TSAN)' OPT='-O1 -g' tsan-run

unit-run: $(UNIT)
	prove --exec '' $(UNIT)

TSAN_UNIT := $(filter $(patsubst %,$(BUILD)/test/unit/%_test,$(THREADED)),$(UNIT))
tsan-run: $(TSAN_UNIT)
	$(if $(TSAN_UNIT),prove --exec '' $(TSAN_UNIT))

## make e2e        end-to-end tests with real Node: node --test; E2E=pattern chooses files
E2E ?= test/e2e/*.test.mjs
# Those that strain fettle's own processes run once more on a build with ASan and UBSan.
E2E_ASAN ?= $(addprefix test/e2e/,proxy_*.test.mjs supervisor.test.mjs soak.test.mjs)
# Snapshots of every kind, by two threads.
HEAP_RUN := --test-name-pattern='reference snapshots: |random heaps' test/e2e/heap_devtools.test.mjs
# One known runner, whatever Node the machine has; no test may hang for ever.
E2E_RUN := build/nodes/22/node --test --test-concurrency=1 --test-timeout=300000
e2e: all $(BUILD)/test/heap/heap_dump $(BUILD)/test/profile/sourcemap_dump
	@scripts/nodes
	@$(MAKE) --no-print-directory -s BUILD=build/asan SAN='$(ASAN)' OPT='-O1 -g' all build/asan/test/heap/heap_dump
	@$(MAKE) --no-print-directory -s BUILD=build/tsan SAN='$(TSAN)' OPT='-O1 -g' all build/tsan/test/heap/heap_dump
	$(E2E_RUN) $(E2E)
	FETTLE_TEST_BUILD=build/asan FETTLE_SOAK=15 $(E2E_RUN) $(E2E_ASAN)
	FETTLE_TEST_BUILD=build/tsan FETTLE_SOAK=15 FETTLE_THREADS=3 $(E2E_RUN) test/e2e/soak.test.mjs
	FETTLE_TEST_BUILD=build/asan $(E2E_RUN) $(HEAP_RUN)
	FETTLE_TEST_BUILD=build/tsan $(E2E_RUN) $(HEAP_RUN)

# ---- fuzzing ----
FUZZ_C   := $(wildcard test/fuzz/*_fuzz.c)
FUZZ     := $(FUZZ_C:test/fuzz/%.c=build/fuzz/%)
FUZZ_SRC := $(wildcard src/base/*.c src/http/*.c src/conf/*.c) src/load/answer.c src/load/echo.c src/logs/logline.c src/io/activation.c src/io/sock.c src/worker/order.c src/worker/frame.c src/balance/router.c src/view/params.c $(wildcard src/heap/*.c) $(wildcard src/profile/*.c) src/sql/token.c src/sql/fingerprint.c \
            $(filter-out src/sourcemap/sourcemap_cache.c,$(wildcard src/sourcemap/*.c)) \
            $(addprefix src/view/,assets.c flame.c flame_html.c flame_svg.c speedscope.c) \
            $(addprefix src/inspect/,listing.c message.c session.c tcp_listens.c unescape.c wait.c)
FUZZ_SECONDS ?= 60

FUZZ_FLAGS := -DFETTLE_VERSION='"$(VERSION)"' -std=gnu17 -O1 -g -D_GNU_SOURCE -Isrc -fno-sanitize-recover=all
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

fuzz-replay: $(FUZZ)
	@set -e; for f in $(FUZZ); do name=$$(basename $$f _fuzz); mkdir -p build/fuzz/new/$$name; \
	    $$f -runs=20000 -seed=1 build/fuzz/new/$$name test/fuzz/corpus/$$name >build/fuzz/$$name.log 2>&1 || \
	        { cat build/fuzz/$$name.log; exit 1; }; \
	    echo "ok - $$name replays its corpus and 20000 mutations of it"; done

# Programs of the bench: known delays, for the generator's exactness; what a program takes.
BENCH_PROGRAMS := $(patsubst %.c,$(BUILD)/%,$(wildcard test/bench/delays.c test/bench/usage.c))
$(BENCH_PROGRAMS): $(BUILD)/%: %.c $(BUILD)/libfettle.a
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS_ALL) -o $@ $< $(BUILD)/libfettle.a $(LDLIBS_ALL)

## make bench      fettle and its peers side by side, in one run, written to doc/BENCHMARKS.md; ONLY=part ROUNDS= SECONDS=
bench: all $(if $(wildcard test/bench/hop/rules.mk),hop) $(BENCH_PROGRAMS) $(BUILD)/test/e2e/agent_supervisor
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
	clang-format -i src/*/*.[ch] addon/*.[ch] test/*.h test/*/*.c

## make install    PREFIX=/usr/local DESTDIR=; make uninstall

## make clean
clean:
	rm -rf build/src build/test build/asan build/tsan build/fuzz build/fettle build/libfettle.a \
	    build/*.so build/*.node build/*.js

-include $(LIB_O:.o=.d) $(BUILD)/src/app/main.d $(UNIT:=.d)
