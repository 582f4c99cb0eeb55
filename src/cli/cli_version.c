/* SPDX-License-Identifier: PostgreSQL */
/*
 * cli_version.c — versions of goldpan and of the libraries it runs with.
 *
 * What is printed is asked of the libraries themselves where they can tell: the version that was
 * loaded, not the one compiled against.
 */
#include "cli/cli_priv.h"

#include <curl/curl.h>
#include <jansson.h>
#include <libconfig.h>
#include <libpq-fe.h>
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <zlib.h>

void
cli_version_print(void)
{
	int pq = PQlibVersion();

	(void) printf("goldpan %s\n", GOLDPAN_VERSION);
	(void) printf("  libpq       %d.%d\n", pq / 10000, pq % 10000);
	(void) printf("  librdkafka  %s\n", rd_kafka_version_str());
	(void) printf("  libcurl     %s\n", curl_version_info(CURLVERSION_NOW)->version);
	(void) printf("  libconfig   %d.%d.%d\n", LIBCONFIG_VER_MAJOR, LIBCONFIG_VER_MINOR,
				  LIBCONFIG_VER_REVISION);
	(void) printf("  jansson     %s\n", jansson_version_str());
	(void) printf("  zlib        %s\n", zlibVersion());
}
