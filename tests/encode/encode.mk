# SPDX-License-Identifier: PostgreSQL
#
# Tests and bench of encode/ that need libavro or fastavro.

UNIT_LIBS_test_encode_record := -lavro
