/* SPDX-License-Identifier: PostgreSQL */
/*
 * identity_snapshot — the state written out as it lies in memory, and read back.
 *
 * The checksum is keyed by the deployment and guards against damage, not against
 * forgery: a snapshot is as trusted as the process's own memory, and disposable.
 */
#include "identity/identity_state_priv.h"

#include <string.h>

#define MAGIC "GPIDSN1"

typedef struct Head
{
	char magic[8];
	uint32_t layout, used;
	uint64_t model, deployment, position;
	uint32_t ordinal, unused;
	uint64_t checksum; /* of this with zero here */
} Head;

static uint32_t
layout(void)
{
	return 3u << 24 | (uint32_t) sizeof(Root) << 8 | (uint32_t) sizeof(RecordRow);
}

static size_t
chunk_bytes(uint32_t used, uint32_t chunk)
{
	return chunk == used >> 17 ? (size_t) (used & 0x1ffff) * 8 : STORE_CHUNK;
}

static bool
write_all(const Identity *identity, IdentitySink sink, void *context, Err *err)
{
	const Root *root = identity_root(identity);
	uint64_t sum = root->key;
	Head head;

	memset(&head, 0, sizeof(head));
	memcpy(head.magic, MAGIC, sizeof(head.magic));
	head.layout = layout();
	head.used = identity_store_used(&identity->store);
	head.model = identity->model->hash;
	head.deployment = root->key;
	head.position = root->position;
	head.ordinal = root->ordinal;
	head.checksum = identity_text_hash(&head, sizeof(head), 30);
	if (!sink(context, &head, sizeof(head), err))
		return false;
	for (uint32_t chunk = 0; chunk <= head.used >> 17; chunk++)
	{
		size_t size = chunk_bytes(head.used, chunk);

		if (size == 0)
			continue;
		sum = identity_text_hash(identity->store.chunk[chunk], size, sum);
		if (!sink(context, identity->store.chunk[chunk], size, err))
			return false;
	}
	return sink(context, &sum, sizeof(sum), err);
}

bool
identity_snapshot(const Identity *identity, IdentitySink sink, void *context, Err *err)
{
	bool done;

	if (identity_query_owned(identity))
		return err_set(err, ERR_CLASS_USAGE, ERR_INTERNAL,
					   "a snapshot cannot be taken while a batch is prepared");
	identity_query_enter(identity);
	done = write_all(identity, sink, context, err);
	identity_query_leave(identity);
	return done;
}

static bool
head_fits(Head *head, const IdentityModel *model, uint64_t key, Err *err)
{
	uint64_t checksum = head->checksum;

	head->checksum = 0;
	if (memcmp(head->magic, MAGIC, sizeof(head->magic)) != 0 ||
		identity_text_hash(head, sizeof(*head), 30) != checksum ||
		head->used < ROOT_REF + sizeof(Root) / 8)
		return err_set(err, ERR_CLASS_STOP, ERR_DATA, "an identity snapshot is damaged");
	if (head->layout != layout())
		return err_set(err, ERR_CLASS_USAGE, ERR_CONFIG,
					   "an identity snapshot was written by another version");
	if (head->model != model->hash)
		return err_set(err, ERR_CLASS_USAGE, ERR_CONFIG,
					   "an identity snapshot was made with another model");
	if (head->deployment != key)
		return err_set(err, ERR_CLASS_USAGE, ERR_CONFIG,
					   "an identity snapshot belongs to another deployment");
	return true;
}

Identity *
identity_restore(const IdentityModel *model, const char *deployment, const IdentityMemory *memory,
				 IdentitySource source, void *context, Err *err)
{
	Identity *identity = identity_open(model, deployment, memory, false, err);
	uint64_t key, sum, stored;
	Head head;

	if (identity == NULL)
		return NULL;
	key = identity_text_hash(identity->deployment, strlen(identity->deployment), 15);
	if (!source(context, &head, sizeof(head), err) || !head_fits(&head, model, key, err))
		goto fail;
	sum = key;
	for (uint32_t chunk = 0; chunk <= head.used >> 17; chunk++)
	{
		size_t size = chunk_bytes(head.used, chunk);

		/* no more than what has come and one chunk: the head may claim anything */
		if (!identity_store_load(&identity->store, chunk + 1))
		{
			err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "out of memory restoring an identity snapshot");
			goto fail;
		}
		if (size == 0)
			continue;
		if (!source(context, identity->store.chunk[chunk], size, err))
			goto fail;
		sum = identity_text_hash(identity->store.chunk[chunk], size, sum);
	}
	if (!source(context, &stored, sizeof(stored), err))
		goto fail;
	if (stored != sum || identity_store_used(&identity->store) != head.used)
	{
		err_set(err, ERR_CLASS_STOP, ERR_DATA, "an identity snapshot is damaged");
		goto fail;
	}
	return identity;

fail:
	identity_free(identity);
	return NULL;
}
