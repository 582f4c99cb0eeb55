# SPDX-License-Identifier: PostgreSQL
#
# Manual pages, from scdoc sources. Tables that the program knows are written into the sources by
# `make docs` and compared by the lint "settings".

MAN_SOURCES := $(wildcard contrib/man/*.scd)
MAN_PAGES := $(MAN_SOURCES:contrib/man/%.scd=build/man/%)

build/man/%: contrib/man/%.scd
	@mkdir -p build/man
	@SOURCE_DATE_EPOCH=$${SOURCE_DATE_EPOCH:-1764115200} scdoc < $< > $@ || { rm -f $@; exit 1; }

.PHONY: man
man: $(MAN_PAGES) ## build the manual pages

.PHONY: docs
docs: program ## write the tables of settings, commands and exit statuses into manual and sample file
	@$(PROGRAM) config show --format sample > contrib/examples/goldpan.conf
	@for page in goldpan.1 goldpan.conf.5; do \
		PROGRAM=$(PROGRAM) contrib/man/generate.sh $$page > build/$$page.new && \
		mv build/$$page.new contrib/man/$$page.scd || exit 1; done
