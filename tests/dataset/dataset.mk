# SPDX-License-Identifier: PostgreSQL

.PHONY: test-dataset
test-dataset: program ## test goldpan identity and goldpan review on files
	@VARIANT=$(VARIANT) $(PROVE) --exec python3 tests/dataset/test_identity_files.py tests/dataset/test_review_files.py tests/dataset/test_review_terminal.py
