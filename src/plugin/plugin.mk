# SPDX-License-Identifier: PostgreSQL
#
# The output plugin: build/plugin/goldpan.so for the server that PG_CONFIG names.

PLUGIN_BUILD := build/plugin
PLUGIN_MAKE = $(MAKE) -s --no-print-directory -C $(PLUGIN_BUILD) -f $(CURDIR)/src/plugin/pgxs.make \
	PG_CONFIG=$(PG_CONFIG) VERSION=$(VERSION) WITH_LLVM=$(WITH_LLVM) PLUGIN_CFLAGS="$(PLUGIN_CFLAGS)" \
	$(if $(DESTDIR),DESTDIR=$(abspath $(DESTDIR)))

PLUGIN_CFLAGS ?= -Werror

.PHONY: plugin
plugin: ## build the output plugin (PG_CONFIG=…)
	@mkdir -p $(PLUGIN_BUILD)
	@# Objects of another major version are of no use.
	@$(PG_CONFIG) --version > $(PLUGIN_BUILD)/server.now
	@cmp -s $(PLUGIN_BUILD)/server.now $(PLUGIN_BUILD)/server || \
		{ rm -f $(PLUGIN_BUILD)/*.o $(PLUGIN_BUILD)/*.so $(PLUGIN_BUILD)/*.bc; \
		mv $(PLUGIN_BUILD)/server.now $(PLUGIN_BUILD)/server; }
	@$(PLUGIN_MAKE) all

.PHONY: install-plugin
install-plugin: plugin ## install the plugin and its extension (PG_CONFIG=…, DESTDIR=…)
	@$(PLUGIN_MAKE) install
