/* SPDX-License-Identifier: PostgreSQL */
/*
 * registry_client.c — one HTTP exchange with the Schema Registry.
 *
 * Bounded in time and size, without redirects, proxies from the environment or
 * protocols but http and https (correctness.md K4): the address in the
 * configuration is the only host that this program talks to.
 */
#include "registry_priv.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include <curl/curl.h>

#include "goldpan/alloc.h"
#include "goldpan/clock.h"

#define REGISTRY_DEFAULT_TIMEOUT (10 * CLOCK_SECOND)
#define REGISTRY_MAX_URL		 2048

struct RegistryClient
{
	CURL *curl;
	struct curl_slist *headers;
	char *url; /* without trailing slash */
	char detail[CURL_ERROR_SIZE];
};

static pthread_once_t registry_client_once = PTHREAD_ONCE_INIT;

static void
registry_client_global(void)
{
	(void) curl_global_init(CURL_GLOBAL_DEFAULT);
}

static bool
registry_client_is_loopback(const char *host)
{
	struct in_addr address;

	/* a whole address, not a prefix: 127.0.0.1.example.com is somebody else's host */
	return strcmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0 ||
		   (inet_pton(AF_INET, host, &address) == 1 && ntohl(address.s_addr) >> 24 == 127);
}

static bool
registry_client_check_url(const RegistryConfig *config, Err *err)
{
	CURLU *parts = curl_url();
	char *scheme = NULL;
	char *host = NULL;
	char *user = NULL;
	bool ok = false;

	if (parts == NULL ||
		curl_url_set(parts, CURLUPART_URL, config->url, CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK ||
		curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
		curl_url_get(parts, CURLUPART_HOST, &host, 0) != CURLUE_OK ||
		(strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0))
		(void) err_set(err, ERR_CLASS_USAGE, ERR_CONFIG,
					   "the schema registry's address is not an http or https URL");
	else if (curl_url_get(parts, CURLUPART_USER, &user, 0) == CURLUE_OK)
		(void) err_set(err, ERR_CLASS_USAGE, ERR_CONFIG,
					   "the schema registry's address holds a user name; configure user and "
					   "password beside it");
	else if (strcmp(scheme, "http") == 0 && !registry_client_is_loopback(host) &&
			 !config->allow_insecure)
	{
		(void) err_set(err, ERR_CLASS_USAGE, ERR_CONFIG,
					   "the schema registry's address \"%s\" is plain http to another host",
					   config->url);
		(void) err_hint(err, "Use https, or set allow_insecure if the network between is trusted.");
	}
	else
		ok = true;
	curl_free(scheme);
	curl_free(host);
	curl_free(user);
	curl_url_cleanup(parts);
	return ok;
}

static size_t
registry_client_receive(char *bytes, size_t size, size_t count, void *opaque)
{
	RegistryReply *reply = opaque;
	Err err;

	if (!buffer_append(&reply->body, bytes, size * count, &err))
		return 0; /* curl then fails with CURLE_WRITE_ERROR */
	return size * count;
}

static void
registry_client_configure(RegistryClient *client, const RegistryConfig *config)
{
	CURL *curl = client->curl;
	int64_t timeout = config->timeout > 0 ? config->timeout : REGISTRY_DEFAULT_TIMEOUT;
	long ms = (long) ((timeout + 999) / 1000);

	(void) curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	(void) curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
	(void) curl_easy_setopt(curl, CURLOPT_PROXY, "");
	(void) curl_easy_setopt(curl, CURLOPT_NETRC, (long) CURL_NETRC_IGNORED);
	(void) curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	(void) curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, ms);
	(void) curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, ms);
	(void) curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
	(void) curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
	(void) curl_easy_setopt(curl, CURLOPT_USERAGENT, "goldpan/" GOLDPAN_VERSION);
	(void) curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, client->detail);
	(void) curl_easy_setopt(curl, CURLOPT_HTTPHEADER, client->headers);
	(void) curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, registry_client_receive);
	if (config->ca_file != NULL)
		(void) curl_easy_setopt(curl, CURLOPT_CAINFO, config->ca_file);
	if (config->user != NULL)
	{
		(void) curl_easy_setopt(curl, CURLOPT_HTTPAUTH, (long) CURLAUTH_BASIC);
		(void) curl_easy_setopt(curl, CURLOPT_USERNAME, config->user);
		(void) curl_easy_setopt(curl, CURLOPT_PASSWORD,
								config->password == NULL ? "" : config->password);
	}
}

RegistryClient *
registry_client_new(const RegistryConfig *config, Err *err)
{
	static const char *const headers[] = {
		"Accept: application/vnd.schemaregistry.v1+json, application/json",
		"Content-Type: application/vnd.schemaregistry.v1+json",
		"Expect:",
	};
	RegistryClient *client;
	size_t length;

	(void) pthread_once(&registry_client_once, registry_client_global);
	if (config->url == NULL || strlen(config->url) > REGISTRY_MAX_URL / 2)
	{
		(void) err_set(err, ERR_CLASS_USAGE, ERR_CONFIG,
					   "the schema registry's address is missing or too long");
		return NULL;
	}
	if (!registry_client_check_url(config, err))
		return NULL;
	client = alloc_zero(sizeof(*client));
	if (client == NULL)
		goto nomem;
	client->url = alloc_text(config->url);
	client->curl = curl_easy_init();
	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
	{
		struct curl_slist *longer = curl_slist_append(client->headers, headers[i]);

		if (longer == NULL)
			goto nomem;
		client->headers = longer;
	}
	if (client->url == NULL || client->curl == NULL)
		goto nomem;
	for (length = strlen(client->url); length > 0 && client->url[length - 1] == '/'; length--)
		client->url[length - 1] = '\0';
	registry_client_configure(client, config);
	return client;

nomem:
	registry_client_free(client);
	(void) err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "out of memory preparing the registry client");
	return NULL;
}

void
registry_client_free(RegistryClient *client)
{
	if (client == NULL)
		return;
	curl_easy_cleanup(client->curl);
	curl_slist_free_all(client->headers);
	alloc_free(client->url);
	alloc_free(client);
}

const char *
registry_client_url(const RegistryClient *client)
{
	return client->url;
}

static bool
registry_client_failed(const RegistryClient *client, CURLcode code, const RegistryReply *reply,
					   Err *err)
{
	const char *detail = client->detail[0] != '\0' ? client->detail : curl_easy_strerror(code);

	if (code == CURLE_WRITE_ERROR)
		return err_set(err, ERR_CLASS_RETRY, ERR_REGISTRY_DOWN,
					   "the schema registry at \"%s\" sent an answer of more than %zu bytes",
					   client->url, reply->body.ceiling);
	if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE)
	{
		(void) err_set(err, ERR_CLASS_USAGE, ERR_REGISTRY_DOWN,
					   "could not trust the schema registry at \"%s\": %s", client->url, detail);
		return err_hint(err, "Set ca_file to the certificate authority that signed the registry's "
							 "certificate, and use the host name that the certificate names.");
	}
	(void) err_set(err, ERR_CLASS_RETRY, ERR_REGISTRY_DOWN,
				   "could not reach the schema registry at \"%s\": %s", client->url, detail);
	return err_hint(err, "Check that the registry runs and that the address is right.");
}

bool
registry_client_call(RegistryClient *client, const char *method, const char *before,
					 const char *subject, const char *after, const char *body, RegistryReply *reply,
					 Err *err)
{
	char url[REGISTRY_MAX_URL];
	char *escaped = curl_easy_escape(client->curl, subject == NULL ? "" : subject, 0);
	CURLcode code;
	int length;

	if (escaped == NULL)
		return err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "out of memory asking the registry");
	length = snprintf(url, sizeof(url), "%s%s%s%s", client->url, before, escaped, after);
	curl_free(escaped);
	if (length < 0 || (size_t) length >= sizeof(url))
		return err_set(err, ERR_CLASS_USAGE, ERR_CONFIG,
					   "could not ask the schema registry: the subject's name is too long");
	buffer_clear(&reply->body);
	reply->status = 0;
	client->detail[0] = '\0';
	(void) curl_easy_setopt(client->curl, CURLOPT_URL, url);
	/* a body on everything but GET; CUSTOMREQUEST only names the verb */
	(void) curl_easy_setopt(client->curl, CURLOPT_HTTPGET, 1L);
	if (body != NULL)
	{
		(void) curl_easy_setopt(client->curl, CURLOPT_POST, 1L);
		(void) curl_easy_setopt(client->curl, CURLOPT_POSTFIELDSIZE_LARGE,
								(curl_off_t) strlen(body));
		(void) curl_easy_setopt(client->curl, CURLOPT_POSTFIELDS, body);
	}
	(void) curl_easy_setopt(client->curl, CURLOPT_CUSTOMREQUEST, method);
	(void) curl_easy_setopt(client->curl, CURLOPT_WRITEDATA, reply);
	code = curl_easy_perform(client->curl);
	if (code != CURLE_OK)
		return registry_client_failed(client, code, reply, err);
	(void) curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &reply->status);
	return true;
}
