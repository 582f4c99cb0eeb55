/* SPDX-License-Identifier: PostgreSQL */
/*
 * test_registry.c — the registry client against a fake server that misbehaves.
 *
 * The real registry is met in tests/log_kafka; here a thread answers each
 * request with the next canned reply and keeps what it was asked.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "goldpan/clock.h"
#include "registry/registry_priv.h"

#define MAX_REPLIES 8

typedef struct Server
{
	int listener;
	char url[64];
	pthread_t thread;
	size_t count;
	const char *replies[MAX_REPLIES]; /* NULL: never answers */
	char requests[MAX_REPLIES][2048];
} Server;

static void
serve_one(Server *server, int client, size_t n)
{
	char *request = server->requests[n];
	size_t length = 0;
	size_t wanted = 0;
	const char *reply = server->replies[n];

	while (length < sizeof(server->requests[n]) - 1)
	{
		ssize_t got = read(client, request + length, sizeof(server->requests[n]) - 1 - length);
		const char *end;
		const char *body_length;

		if (got <= 0)
			break;
		length += (size_t) got;
		request[length] = '\0';
		end = strstr(request, "\r\n\r\n");
		if (end == NULL)
			continue;
		body_length = strstr(request, "Content-Length: ");
		wanted = (size_t) (end + 4 - request);
		if (body_length != NULL && body_length < end)
			wanted += (size_t) atoi(body_length + 16);
		if (length >= wanted)
			break;
	}
	if (reply == NULL)
		(void) usleep(400000);
	for (size_t left = reply == NULL ? 0 : strlen(reply); left > 0;)
	{
		ssize_t put = send(client, reply, left, MSG_NOSIGNAL);

		if (put <= 0)
			break;
		reply += put;
		left -= (size_t) put;
	}
}

static void *
serve(void *opaque)
{
	Server *server = opaque;

	for (size_t n = 0; n < server->count; n++)
	{
		int client = accept(server->listener, NULL, NULL);

		if (client < 0)
			break;
		serve_one(server, client, n);
		(void) close(client);
	}
	return NULL;
}

static void
server_start(Server *server, size_t count, const char *const *replies)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t size = sizeof(address);

	memset(server, 0, sizeof(*server));
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	server->listener = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(server->listener, (struct sockaddr *) &address, size), 0);
	assert_int_equal(listen(server->listener, 8), 0);
	assert_int_equal(getsockname(server->listener, (struct sockaddr *) &address, &size), 0);
	(void) snprintf(server->url, sizeof(server->url), "http://127.0.0.1:%d/api/",
					ntohs(address.sin_port));
	server->count = count;
	for (size_t i = 0; i < count; i++)
		server->replies[i] = replies[i];
	assert_int_equal(pthread_create(&server->thread, NULL, serve, server), 0);
}

static void
server_stop(Server *server)
{
	(void) shutdown(server->listener, SHUT_RDWR);
	(void) pthread_join(server->thread, NULL);
	(void) close(server->listener);
}

static Registry *
client(const Server *server, int64_t timeout)
{
	RegistryConfig config = {.url = server->url, .timeout = timeout};
	Err err;
	Registry *registry = registry_new(&config, &err);

	assert_non_null(registry);
	return registry;
}

#define OK(body)	  "HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n" body
#define SCHEMA		  "{\"type\":\"string\"}"
#define FULL		  "FULL_TRANSITIVE"
#define REFUSED(s, b) "HTTP/1.0 " s " X\r\nContent-Type: application/json\r\n\r\n" b

static void
registers_with_its_compatibility_and_asks_once(void **state)
{
	static const char *const replies[] = {OK("{\"compatibility\":\"FULL_TRANSITIVE\"}"),
										  OK("{\"id\":7}")};
	Server server;
	Registry *registry;
	int32_t id = 0;
	Err err;

	(void) state;
	server_start(&server, 2, replies);
	registry = client(&server, 0);
	assert_true(registry_register(registry, "customer.contact-value", SCHEMA, FULL, &id, &err));
	assert_int_equal(id, 7);
	id = 0;
	assert_true(registry_lookup(registry, "customer.contact-value", SCHEMA, &id, &err));
	assert_int_equal(id, 7);
	registry_free(registry);
	server_stop(&server);
	assert_non_null(strstr(server.requests[0], "PUT /api/config/customer.contact-value HTTP"));
	assert_non_null(strstr(server.requests[0], "{\"compatibility\":\"FULL_TRANSITIVE\"}"));
	assert_non_null(
		strstr(server.requests[1], "POST /api/subjects/customer.contact-value/versions HTTP"));
	assert_non_null(strstr(server.requests[1], "{\"schema\":\"{\\\"type\\\":\\\"string\\\"}\"}"));
}

static void
sets_compatibility_after_the_first_version_where_the_subject_must_exist(void **state)
{
	static const char *const replies[] = {REFUSED("404", "{\"error_code\":40401}"),
										  OK("{\"id\":7}"), OK("{\"compatibility\":\"NONE\"}")};
	Server server;
	Registry *registry;
	int32_t id = 0;
	Err err;

	(void) state;
	server_start(&server, 3, replies);
	registry = client(&server, 0);
	assert_true(registry_register(registry, "a/b c-key", SCHEMA, "NONE", &id, &err));
	registry_free(registry);
	server_stop(&server);
	assert_non_null(strstr(server.requests[2], "PUT /api/config/a%2Fb%20c-key HTTP"));
}

static void
fetches_a_schema_once(void **state)
{
	static const char *const replies[] = {OK("{\"schema\":\"{\\\"type\\\":\\\"string\\\"}\"}")};
	Server server;
	Registry *registry;
	const char *text = NULL;
	Err err;

	(void) state;
	server_start(&server, 1, replies);
	registry = client(&server, 0);
	for (int i = 0; i < 2; i++)
	{
		assert_true(registry_schema(registry, 12, &text, &err));
		assert_string_equal(text, SCHEMA);
	}
	registry_free(registry);
	server_stop(&server);
	assert_non_null(strstr(server.requests[0], "GET /api/schemas/ids/12 HTTP"));
}

static void
every_refusal_has_its_class_and_says_why(void **state)
{
	static const struct
	{
		const char *reply;
		ErrClass class;
		ErrCode code;
		const char *text;
	} rows[] = {
		{REFUSED("409", "{\"error_code\":409,\"message\":\"no default\"}"), ERR_CLASS_USAGE,
		 ERR_REGISTRY_REFUSED, "refused (HTTP 409, error 409): no default"},
		{REFUSED("422", "{\"error_code\":42201,\"message\":\"bad\\nschema\"}"), ERR_CLASS_USAGE,
		 ERR_REGISTRY_REFUSED, "(HTTP 422, error 42201): bad schema"},
		{REFUSED("404", "{\"error_code\":40403,\"message\":\"Schema not found\"}"), ERR_CLASS_USAGE,
		 ERR_REGISTRY_REFUSED, "Schema not found"},
		{REFUSED("401", "<html>"), ERR_CLASS_USAGE, ERR_REGISTRY_REFUSED, "refuses the login"},
		{REFUSED("403", ""), ERR_CLASS_USAGE, ERR_REGISTRY_REFUSED, "does not permit it"},
		{REFUSED("500", "{\"message\":\"store\"}"), ERR_CLASS_RETRY, ERR_REGISTRY_DOWN,
		 "failed (HTTP 500): store"},
		{REFUSED("503", ""), ERR_CLASS_RETRY, ERR_REGISTRY_DOWN, "failed (HTTP 503)"},
		{"HTTP/1.0 302 X\r\nLocation: http://192.0.2.1/\r\n\r\n", ERR_CLASS_USAGE,
		 ERR_REGISTRY_DOWN, "redirect (HTTP 302), which is not followed"},
		{OK("garbage"), ERR_CLASS_RETRY, ERR_REGISTRY_DOWN, "not JSON with a schema id"},
		{OK("{\"id\":0}"), ERR_CLASS_RETRY, ERR_REGISTRY_DOWN, "not JSON with a schema id"},
		{OK("{\"id\":2147483648}"), ERR_CLASS_RETRY, ERR_REGISTRY_DOWN, "1 to 2147483647"},
		{OK("{\"id\":\"7\"}"), ERR_CLASS_RETRY, ERR_REGISTRY_DOWN, "not JSON with a schema id"},
		{NULL, ERR_CLASS_RETRY, ERR_REGISTRY_DOWN, "could not reach the schema registry"},
	};

	(void) state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
	{
		Server server;
		Registry *registry;
		int32_t id = 0;
		Err err;

		server_start(&server, 1, &rows[i].reply);
		registry = client(&server, rows[i].reply == NULL ? 100000 : 0);
		assert_false(registry_lookup(registry, "s-value", SCHEMA, &id, &err));
		assert_int_equal(err.class, rows[i].class);
		assert_int_equal(err.code, rows[i].code);
		if (strstr(err.message, rows[i].text) == NULL)
			fail_msg("row %zu: \"%s\" lacks \"%s\"", i, err.message, rows[i].text);
		assert_true(err.hint[0] != '\0' || err.class == ERR_CLASS_RETRY);
		registry_free(registry);
		server_stop(&server);
	}
}

static void
an_answer_without_end_is_cut_at_the_ceiling(void **state)
{
	static char huge[REGISTRY_MAX_REPLY + 4096];
	const char *reply = huge;
	Server server;
	Registry *registry;
	int32_t id = 0;
	Err err;

	(void) state;
	memset(huge, ' ', sizeof(huge) - 1);
	memcpy(huge, "HTTP/1.0 200 OK\r\n\r\n", 19);
	server_start(&server, 1, &reply);
	registry = client(&server, 0);
	assert_false(registry_lookup(registry, "s-value", SCHEMA, &id, &err));
	assert_non_null(strstr(err.message, "an answer of more than 1048576 bytes"));
	registry_free(registry);
	server_stop(&server);
}

static void
a_dead_registry_can_be_tried_again_and_known_schemas_need_none(void **state)
{
	static const char *const replies[] = {OK("{\"id\":7}")};
	Server server;
	Registry *registry;
	int32_t id = 0;
	Err err;

	(void) state;
	server_start(&server, 1, replies);
	registry = client(&server, 0);
	assert_true(registry_lookup(registry, "s-value", SCHEMA, &id, &err));
	server_stop(&server);
	assert_true(registry_lookup(registry, "s-value", SCHEMA, &id, &err));
	assert_false(registry_lookup(registry, "other-value", SCHEMA, &id, &err));
	assert_int_equal(err.class, ERR_CLASS_RETRY);
	assert_int_equal(err.code, ERR_REGISTRY_DOWN);
	registry_free(registry);
}

static void
addresses_that_would_leak_are_refused(void **state)
{
	static const struct
	{
		const char *url;
		bool allow_insecure;
		const char *text; /* NULL: taken */
	} rows[] = {
		{"http://registry.example/api", false, "plain http to another host"},
		{"http://registry.example/api", true, NULL},
		{"https://registry.example/api", false, NULL},
		{"http://localhost:1/", false, NULL},
		{"http://[::1]:1/", false, NULL},
		{"http://127.0.0.1.evil.example/", false, "plain http to another host"},
		{"https://alice:secret@registry.example/", false, "holds a user name"},
		{"file:///etc/passwd", false, "not an http or https URL"},
		{"not a url", false, "not an http or https URL"},
	};

	(void) state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
	{
		RegistryConfig config = {.url = rows[i].url, .allow_insecure = rows[i].allow_insecure};
		Err err;
		Registry *registry = registry_new(&config, &err);

		if (rows[i].text == NULL)
			assert_non_null(registry);
		else
		{
			assert_null(registry);
			if (strstr(err.message, rows[i].text) == NULL)
				fail_msg("row %zu: %s", i, err.message);
			assert_null(strstr(err.message, "secret"));
		}
		registry_free(registry);
	}
}

static void
deep_json_is_refused_before_it_is_parsed(void **state)
{
	char deep[400];
	int32_t id;
	Err err;

	(void) state;
	memset(deep, '[', sizeof(deep));
	assert_false(registry_reply_id((const uint8_t *) deep, sizeof(deep), &id, &err));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(registers_with_its_compatibility_and_asks_once),
		cmocka_unit_test(sets_compatibility_after_the_first_version_where_the_subject_must_exist),
		cmocka_unit_test(fetches_a_schema_once),
		cmocka_unit_test(every_refusal_has_its_class_and_says_why),
		cmocka_unit_test(an_answer_without_end_is_cut_at_the_ceiling),
		cmocka_unit_test(a_dead_registry_can_be_tried_again_and_known_schemas_need_none),
		cmocka_unit_test(addresses_that_would_leak_are_refused),
		cmocka_unit_test(deep_json_is_refused_before_it_is_parsed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
