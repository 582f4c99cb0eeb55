# SPDX-License-Identifier: PostgreSQL
#
# The plugin and its extension by PGXS.  Run by plugin.mk in build/plugin/, whose objects are
# apart from the program's: wire/ is compiled twice.

PG_CONFIG ?= pg_config
ROOT := $(abspath $(dir $(firstword $(MAKEFILE_LIST)))/../..)

MODULE_big = goldpan
OBJS = plugin.o plugin_options.o plugin_relation.o plugin_change.o plugin_value.o plugin_frames.o \
	wire_reader.o wire_writer.o
EXTENSION = ../../sql/goldpan
DATA = ../../sql/goldpan--$(VERSION).sql

PG_CPPFLAGS = -I$(ROOT)/include -I$(ROOT)/src/plugin -DGOLDPAN_VERSION='"$(VERSION)"'
PG_CFLAGS = -std=gnu11 -Wall -Wextra -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wformat=2 \
	-Wpointer-arith -Wwrite-strings -Wno-unused-parameter -Wno-sign-compare \
	-Wno-missing-field-initializers -Wno-declaration-after-statement $(PLUGIN_CFLAGS)
SHLIB_LINK += -Wl,--version-script=$(ROOT)/src/plugin/plugin.map

# Debian leaves it empty: an edited header would rebuild nothing.
override autodepend = yes
# The bitcode is for packages only.
ifneq ($(WITH_LLVM),yes)
override with_llvm = no
endif

vpath %.c $(ROOT)/src/plugin $(ROOT)/src/wire

PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

goldpan.so: $(ROOT)/src/plugin/plugin.map
