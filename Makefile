# SPDX-License-Identifier: PostgreSQL
#
# Goldpan's build.  `make help` lists the targets.
#
# Rooms under src/ are found by wildcard: a new file needs no edit here.  Tests and
# the plugin bring fragments of their own (tests/*/*.mk, src/plugin/*.mk).
#
# VARIANT names a build, each with a folder under build/: gcc (default), clang, debug (gcc
# with the points where crash tests kill), asan (the same with sanitizers), fuzz.

VARIANT ?= gcc
PG_CONFIG ?= /usr/lib/postgresql/15/bin/pg_config
BUILD := build/$(VARIANT)
PREFIX ?= /usr
VERSION := 0.1.0

WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wformat=2 \
	-Wpointer-arith -Wwrite-strings -Werror
CFLAGS_gcc := -O2 -g
CFLAGS_clang := -O2 -g
CFLAGS_debug := -O2 -g -DGOLDPAN_DEBUG_POINTS
CFLAGS_asan := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined \
	-fno-omit-frame-pointer -DGOLDPAN_DEBUG_POINTS
LDFLAGS_asan := -fsanitize=address,undefined
CFLAGS_fuzz := -O1 -g -fsanitize=fuzzer-no-link,address,undefined \
	-fno-sanitize-recover=undefined -fno-omit-frame-pointer
LDFLAGS_fuzz := -fsanitize=address,undefined
# ThreadSanitizer, for the few programs that ask for it (tests/identity)
CFLAGS_tsan := -O1 -g -fsanitize=thread
LDFLAGS_tsan := -fsanitize=thread
CC_gcc := gcc
CC_clang := clang
CC_debug := gcc
CC_asan := gcc
CC_fuzz := clang
CC_tsan := clang
CC := $(CC_$(VARIANT))

PKGS := libconfig jansson rdkafka libcurl zlib libpq libsystemd icu-i18n icu-uc libpsl
PKG_CFLAGS := $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
PKG_LIBS := $(shell pkg-config --libs $(PKGS) 2>/dev/null)
GP_CPPFLAGS := -D_GNU_SOURCE -DGOLDPAN_VERSION='"$(VERSION)"' -DGOLDPAN_PREFIX='"$(PREFIX)"' \
	-Iinclude -Isrc -I$(BUILD)/gen $(PKG_CFLAGS)
GP_CFLAGS := -std=gnu11 $(WARNINGS) -fPIE -fstack-protector-strong -pthread $(CFLAGS_$(VARIANT)) $(CFLAGS)
GP_LDFLAGS := -pie -Wl,-z,relro,-z,now -pthread $(LDFLAGS_$(VARIANT)) $(LDFLAGS)
GP_LIBS := $(PKG_LIBS) -lm

ROOMS := wire core conf model identity source mapping encode registry log dataset progress deadletter stream \
	admin cli
LIB_SOURCES := $(filter-out src/cli/main.c,$(foreach room,$(ROOMS),$(wildcard src/$(room)/*.c)))
LIB_OBJECTS := $(LIB_SOURCES:src/%.c=$(BUILD)/obj/%.o)
LIB := $(BUILD)/libgoldpan.a
PROGRAM := $(BUILD)/goldpan

.PHONY: all
all: $(PROGRAM) plugin ## build the program and the plugin

.PHONY: program
program: $(PROGRAM)

$(LIB): $(LIB_OBJECTS)
	@rm -f $@
	@ar rcs $@ $(LIB_OBJECTS)

$(PROGRAM): $(BUILD)/obj/cli/main.o $(LIB)
	@echo "LD    $@"
	@$(CC) $(GP_LDFLAGS) -o $@ $^ $(GP_LIBS)

$(BUILD)/obj/%.o: src/%.c
	@mkdir -p $(dir $@)
	@echo "CC    $<"
	@$(CC) $(GP_CPPFLAGS) $(GP_CFLAGS) -MMD -MP -c -o $@ $<

# Comparing and searching gain 6 % by it, the rest nothing.
ifneq ($(filter gcc clang,$(VARIANT)),)
$(BUILD)/obj/identity/%.o: GP_CFLAGS += -O3
endif

# Schemas become C strings: build/<variant>/gen/<name>_avsc.h
$(BUILD)/gen/%_avsc.h: include/goldpan/canonical/%.avsc
	@mkdir -p $(dir $@)
	@xxd -i < $< | sed '1i static const unsigned char avsc_$*[] = {' > $@
	@echo ', 0};' >> $@

$(BUILD)/gen/%_avsc.h: src/encode/own/%.avsc
	@mkdir -p $(dir $@)
	@xxd -i < $< | sed '1i static const unsigned char avsc_$*[] = {' > $@
	@echo ', 0};' >> $@

AVSC := $(wildcard include/goldpan/canonical/*.avsc src/encode/own/*.avsc)
$(LIB_OBJECTS): | $(patsubst %.avsc,$(BUILD)/gen/%_avsc.h,$(notdir $(AVSC)))

# ---- unit tests: tests/unit/test_*.c, each its own program ----
UNIT_SOURCES := $(wildcard tests/unit/test_*.c)
UNIT_PROGRAMS := $(UNIT_SOURCES:tests/unit/%.c=$(BUILD)/unit/%)

$(BUILD)/unit/%: tests/unit/%.c $(LIB)
	@mkdir -p $(dir $@)
	@echo "TEST  $@"
	@$(CC) $(GP_CPPFLAGS) -Itests/unit $(GP_CFLAGS) $(GP_LDFLAGS) -MMD -MP -o $@ $< $(LIB) $(GP_LIBS) -lcmocka $(UNIT_LIBS_$*)

# How TAP is run; tests/run sets it to count what passed.
PROVE ?= prove -Q

.PHONY: unit-programs
unit-programs: $(UNIT_PROGRAMS)

.PHONY: unit
unit: $(UNIT_PROGRAMS) ## run the unit tests (VARIANT=asan for sanitizers)
	@$(if $(filter asan,$(VARIANT)),TEST_STRIDE=5) CMOCKA_MESSAGE_OUTPUT=TAP $(PROVE) $(UNIT_PROGRAMS) --exec ''

VALGRIND := valgrind -q --error-exitcode=99 --leak-check=full \
	--errors-for-leak-kinds=definite --suppressions=tests/unit/valgrind.supp

# librdkafka's mock cluster answers by the clock, which is another one under valgrind.
UNIT_VALGRIND := $(filter-out %/test_log_kafka_mock,$(UNIT_PROGRAMS))

.PHONY: unit-valgrind
unit-valgrind: $(UNIT_PROGRAMS) ## run the unit tests under valgrind
	@TEST_STRIDE=20 CMOCKA_MESSAGE_OUTPUT=TAP $(PROVE) $(UNIT_VALGRIND) --exec '$(VALGRIND)'

.PHONY: lint
lint: program plugin ## run the lints; tests/lint/README.md tells what to do when one fails
	@$(PROVE) --exec bash tests/lint/run

.PHONY: analyze
analyze: program ## run clang's analyzer over the whole program (ten minutes of CPU)
	@bash tests/lint/tidy.sh --analyze

.PHONY: check
check: ## install what is missing and run every check, fast to slow (STEPS="lint unit …")
	@sh tests/deps.sh check
	@tests/run $(STEPS)

.PHONY: deps
deps: ## install the packages that building and testing need (Debian, as root)
	@sh tests/deps.sh

include $(wildcard src/plugin/*.mk tests/*/*.mk contrib/*/*.mk)
-include $(LIB_OBJECTS:.o=.d) $(BUILD)/obj/cli/main.d $(UNIT_PROGRAMS:=.d)

# ---- install ----
BINDIR := $(DESTDIR)$(PREFIX)/bin
MANDIR := $(DESTDIR)$(PREFIX)/share/man
DOCDIR := $(DESTDIR)$(PREFIX)/share/doc/goldpan
SCHEMADIR := $(DESTDIR)$(PREFIX)/share/goldpan/canonical
UNITDIR := $(DESTDIR)$(if $(filter /usr,$(PREFIX)),/lib,$(PREFIX)/lib)/systemd/system

.PHONY: install-program
install-program: $(PROGRAM) man ## install the program with manual, unit, schemas and examples (PREFIX=, DESTDIR=)
	@install -d $(BINDIR) $(MANDIR)/man1 $(MANDIR)/man5 $(MANDIR)/man7 $(DOCDIR)/examples \
		$(SCHEMADIR) $(UNITDIR)
	@install -m 0755 $(PROGRAM) $(BINDIR)/goldpan
	@for section in 1 5 7; do \
		install -m 0644 build/man/*.$$section $(MANDIR)/man$$section/ || exit 1; done
	@install -m 0644 contrib/examples/*.conf $(DOCDIR)/examples/
	@install -m 0644 include/goldpan/canonical/*.avsc $(SCHEMADIR)/
	@sed 's|/usr/bin/goldpan|$(PREFIX)/bin/goldpan|' contrib/systemd/goldpan.service \
		> $(UNITDIR)/goldpan.service
	@chmod 0644 $(UNITDIR)/goldpan.service

.PHONY: install
install: install-program install-plugin ## install the program and the plugin (PREFIX=, DESTDIR=, PG_CONFIG=)

.PHONY: clean
clean: ## remove everything that was built
	rm -rf build

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z0-9-]+:.*## ' Makefile $(wildcard src/plugin/*.mk tests/*/*.mk contrib/*/*.mk) | \
		sed -E 's/^([a-z0-9-]+):.*## (.*)/  \1|\2/' | column -t -s '|'
