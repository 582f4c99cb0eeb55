/* SPDX-License-Identifier: PostgreSQL */
/*
 * fuzz_registry_reply.c — the registry's answers: any bytes give a value in range or an error.
 */
#include <stdlib.h>

#include "registry/registry_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	RegistryReply reply;
	Err err;
	int32_t id = 0;
	Buffer text;

	buffer_init(&text, REGISTRY_MAX_REPLY + 1);
	if (registry_reply_id(bytes, length, &id, &err) && id < 1)
		abort();
	if (registry_reply_schema(bytes, length, &text, &err) && text.data[text.length - 1] != 0)
		abort();
	buffer_init(&reply.body, REGISTRY_MAX_REPLY);
	if (buffer_append(&reply.body, bytes, length, &err))
	{
		reply.status = length > 0 ? 300 + bytes[0] : 500;
		if (registry_reply_refused(&reply, "http://127.0.0.1", "test", &err))
			abort();
	}
	buffer_release(&reply.body);
	buffer_release(&text);
	return 0;
}
