# SPDX-License-Identifier: PostgreSQL

.PHONY: packages
packages: ## build the Debian packages into build/packages, run lintian, look inside
	@tests/packages/build.sh
