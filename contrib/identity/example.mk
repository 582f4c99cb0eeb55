# SPDX-License-Identifier: PostgreSQL
#
# The identity engine used by a program that is none of ours: it sees include/ alone, and of that
# only what the compiler's list of included files may name.

IDENTITY_EXAMPLE := $(BUILD)/identity_example
IDENTITY_PUBLIC := identity identity_model identity_review buffer err

$(IDENTITY_EXAMPLE): contrib/identity/example/identity_example.c $(LIB)
	@echo "CC    $@"
	@$(CC) -D_GNU_SOURCE -Iinclude $(GP_CFLAGS) $(GP_LDFLAGS) -MMD -MP -o $@ $< $(LIB) $(GP_LIBS)
	@private=$$(sed '/:$$/d; s/^[^:]*://; s/\\$$//' $@.d | tr ' ' '\n' | \
		grep -v -x -e '' -e '.*[.]a' -e $< $(IDENTITY_PUBLIC:%=-e include/goldpan/%.h)); \
	[ -z "$$private" ] || { echo "$<: includes what is not public:" $$private; rm -f $@; false; }

.PHONY: identity-example
identity-example: $(IDENTITY_EXAMPLE) ## the identity engine used by another program (contrib/identity/example)
	@$(IDENTITY_EXAMPLE)

-include $(IDENTITY_EXAMPLE).d
