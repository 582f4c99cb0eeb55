# SPDX-License-Identifier: PostgreSQL
#
# Property tests of the identity engine: short form and long form.

$(BUILD)/identity_properties: tests/identity/identity_properties.c $(LIB)
	@echo "TEST  $@"
	@$(CC) $(GP_CPPFLAGS) $(GP_CFLAGS) $(GP_LDFLAGS) -o $@ $< $(LIB) $(GP_LIBS)

.PHONY: identity-properties
identity-properties: $(BUILD)/identity_properties ## random histories of the identity engine (200)
	@$(BUILD)/identity_properties 200

.PHONY: identity-properties-long
identity-properties-long: $(BUILD)/identity_properties ## the same, 10,000 histories
	@$(BUILD)/identity_properties 10000
