/* SPDX-License-Identifier: PostgreSQL */
/*
 * stream_open.c — what lives from one connection to the next: made in the order that is safe.
 *
 * The source's lock first, then the log's writer, which fences a predecessor and settles what it
 * left, and only then the progress: reading it before would race with a zombie's last
 * commit (correctness.md 2.2).
 */
#include "stream/stream_priv.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "goldpan/alloc.h"
#include "goldpan/report.h"

#define STREAM_PIPELINE_CEILING ((size_t) 16 << 20)

/* Two quoted names of 63 bytes, a point, "#" and an oid fit. */
#define STREAM_NOTED_SIZE 288

static bool stream_pipeline_open_writer(StreamPipeline *pipeline, Err *err);
static bool stream_pipeline_parse(StreamPipeline *pipeline, const Buffer *bytes, Err *err);

static bool
stream_pipeline_name_tables(StreamPipeline *pipeline, Err *err)
{
	if (pipeline->ntables > PROGRESS_MAX_TABLES)
		return err_set(err, ERR_CLASS_USAGE, ERR_CONFIG,
					   "could not start source \"%s\": it maps %zu tables, more than %d",
					   pipeline->worker->source.name, pipeline->ntables, PROGRESS_MAX_TABLES);
	pipeline->table_names =
		arena_zero(&pipeline->arena, (pipeline->ntables + 1) * sizeof(char *), err);
	pipeline->table_ids =
		arena_zero(&pipeline->arena, (pipeline->ntables + 1) * sizeof(uint32_t), err);
	if (pipeline->table_names == NULL || pipeline->table_ids == NULL)
		return false;
	for (size_t i = 0; i < pipeline->ntables; i++)
	{
		pipeline->table_names[i] = stream_table_text(&pipeline->arena, pipeline->tables[i].schema,
													 pipeline->tables[i].name, err);
		if (pipeline->table_names[i] == NULL)
			return false;
	}
	return true;
}

bool
stream_pipeline_connect(StreamPipeline *pipeline, Err *err)
{
	StreamWorker *worker = pipeline->worker;
	const Mapping *mapping = worker->mapping->mapping;

	arena_init(&pipeline->arena, STREAM_PIPELINE_CEILING);
	progress_init(&pipeline->progress);
	if (!stream_topics(mapping, worker->config->topic_prefix, &pipeline->arena, &pipeline->topics,
					   &pipeline->ntopics, err) ||
		!stream_source_tables(mapping, worker->source.name, &pipeline->arena, &pipeline->tables,
							  &pipeline->ntables, err) ||
		!stream_pipeline_name_tables(pipeline, err))
		return false;
	pipeline->config_hash = source_stream_config_hash(pipeline->tables, pipeline->ntables);
	/* Without the lock the writer's opening would fence whoever holds it now. */
	if (worker->lock != NULL && !source_lock_answers(worker->lock))
	{
		source_unlock(worker->lock);
		worker->lock = NULL;
	}
	if (worker->lock == NULL)
		worker->lock = source_lock(&worker->source, err);
	return worker->lock != NULL &&
		   source_identify(&worker->source, &pipeline->identity, &pipeline->slot, err);
}

/* Blocks, but for a stop. */
static bool
stream_pipeline_open_log(StreamPipeline *pipeline, Buffer *bytes, Err *err)
{
	StreamWorker *worker = pipeline->worker;
	LogWriter *writer = pipeline->writer;
	bool done;

	(void) pthread_mutex_lock(&worker->opening_mutex);
	worker->opening = writer;
	(void) pthread_mutex_unlock(&worker->opening_mutex);
	done = writer->ops->open(writer, bytes, err);
	(void) pthread_mutex_lock(&worker->opening_mutex);
	worker->opening = NULL;
	(void) pthread_mutex_unlock(&worker->opening_mutex);
	return done;
}

bool
stream_pipeline_read_progress(StreamPipeline *pipeline, Err *err)
{
	Buffer bytes;
	bool done;

	buffer_init(&bytes, STREAM_BATCH_SLACK);
	done = stream_pipeline_open_writer(pipeline, err) &&
		   stream_pipeline_open_log(pipeline, &bytes, err) &&
		   stream_pipeline_parse(pipeline, &bytes, err);
	buffer_release(&bytes);
	return done;
}

static bool
stream_pipeline_open_writer(StreamPipeline *pipeline, Err *err)
{
	const StreamConfig *config = pipeline->worker->config;
	const char *source = pipeline->worker->source.name;
	LogKafkaConfig kafka = config->kafka;

	if (config->log_kind == STREAM_LOG_DIRECTORY)
	{
		pipeline->writer =
			log_directory_new(&config->directory, source, pipeline->topics, pipeline->ntopics, err);
		return pipeline->writer != NULL;
	}
	pipeline->registry = registry_new(&config->registry, err);
	if (pipeline->registry == NULL)
		return false;
	kafka.registry = pipeline->registry;
	kafka.key_schema_text = encode_own_schema("key");
	pipeline->writer = log_kafka_new(&kafka, source, pipeline->topics, pipeline->ntopics, err);
	return pipeline->writer != NULL;
}

static bool
stream_pipeline_parse(StreamPipeline *pipeline, const Buffer *bytes, Err *err)
{
	const SourceConfig *source = &pipeline->worker->source;
	Progress *progress = &pipeline->progress;

	if (bytes->length == 0)
		return true;
	if (!progress_decode(progress, bytes->data, bytes->length, err))
		return err_context(err, "progress of source \"%s\"", source->name);
	if (strcmp(progress->source, source->name) != 0)
		return err_set(err, ERR_CLASS_STOP, ERR_DATA,
					   "could not resume source \"%s\": its progress record names source \"%s\"",
					   source->name, progress->source);
	if (strcmp(progress->slot, source->slot) == 0)
		return true;
	(void) err_set(err, ERR_CLASS_STOP, ERR_GAP,
				   "could not resume source \"%s\": its progress was made with replication slot "
				   "\"%s\", but the configuration names \"%s\"",
				   source->name, progress->slot, source->slot);
	return err_hint(err, "Name slot \"%s\" in the configuration.", progress->slot);
}

void
stream_pipeline_release(StreamPipeline *pipeline)
{
	if (pipeline->writer != NULL)
		pipeline->writer->ops->close(pipeline->writer);
	if (pipeline->registry != NULL)
		registry_free(pipeline->registry);
	progress_release(&pipeline->progress);
	arena_release(&pipeline->arena);
	memset(pipeline, 0, sizeof(*pipeline));
}

/* ---- delivery ---- */

/* The constant fields of all progress records to come. */
static bool
stream_pipeline_set_progress(StreamPipeline *pipeline, Err *err)
{
	const SourceConfig *source = &pipeline->worker->source;
	Progress *progress = &pipeline->progress;

	(void) snprintf(progress->source, sizeof(progress->source), "%s", source->name);
	(void) snprintf(progress->slot, sizeof(progress->slot), "%s", source->slot);
	(void) snprintf(progress->mapping_version, sizeof(progress->mapping_version), "%s",
					mapping_version(pipeline->worker->mapping->mapping));
	progress->system_identifier = pipeline->identity.system_identifier;
	progress->timeline = pipeline->identity.timeline;
	progress->config_hash = pipeline->config_hash;
	progress->key_schema_id = pipeline->writer->key_schema_id;
	return err != NULL;
}

bool
stream_pipeline_start_delivery(StreamPipeline *pipeline, Err *err)
{
	const StreamConfig *config = pipeline->worker->config;
	StreamDelivery *delivery = &pipeline->delivery;

	if (!stream_pipeline_set_progress(pipeline, err))
		return false;
	memset(delivery, 0, sizeof(*delivery));
	delivery->writer = pipeline->writer;
	delivery->counters = &pipeline->worker->counters;
	delivery->scope = pipeline->worker->source.name;
	delivery->database = pipeline->identity.database;
	delivery->dead_letter_topic =
		stream_topic_index(pipeline->topics, pipeline->ntopics, "dead_letter");
	delivery->max_bytes = config->batch_size + config->transaction_size +
						  2 * pipeline->writer->max_record + STREAM_BATCH_SLACK;
	delivery->keep_bytes = 2 * config->batch_size;
	delivery->progress = pipeline->progress;
	progress_init(&pipeline->progress);
	return stream_delivery_start(delivery, err);
}

/* Says in progress which tables have a complete copy. Before the delivery thread starts. */
bool
stream_pipeline_set_tables(StreamPipeline *pipeline, const SourceSnapshot *snapshot, Err *err)
{
	Progress *progress = &pipeline->progress;
	char noted[STREAM_NOTED_SIZE];

	for (size_t i = 0; i < progress->ntables; i++)
		alloc_free(progress->tables[i]);
	alloc_free(progress->tables);
	progress->ntables = 0;
	progress->tables = alloc_zero(PROGRESS_MAX_TABLES * sizeof(char *));
	for (size_t i = 0; progress->tables != NULL && i < pipeline->ntables; i++)
	{
		pipeline->table_ids[i] = source_snapshot_table_id(snapshot, i);
		(void) snprintf(noted, sizeof(noted), "%s#%" PRIu32, pipeline->table_names[i],
						pipeline->table_ids[i]);
		progress->tables[i] = alloc_text(noted);
		if (progress->tables[i] == NULL)
			break;
		progress->ntables++;
	}
	if (progress->tables != NULL && progress->ntables == pipeline->ntables)
		return true;
	return err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "out of memory noting the copied tables");
}

StreamPosition
stream_pipeline_position(const Progress *progress)
{
	StreamPosition position = {.end_lsn = progress->end_lsn,
							   .part_end_lsn = progress->part_end_lsn,
							   .next_ordinal = progress->next_ordinal,
							   .part = progress->part,
							   .snapshot_state = progress->snapshot_state,
							   .snapshot_lsn = progress->snapshot_lsn};

	memcpy(position.snapshot_attempt, progress->snapshot_attempt,
		   sizeof(position.snapshot_attempt));
	return position;
}

bool
stream_pipeline_init_plans(StreamPipeline *pipeline, Err *err)
{
	StreamPlans *plans = &pipeline->plans;

	memset(plans, 0, sizeof(*plans));
	plans->worker = pipeline->worker;
	plans->mapping = pipeline->worker->mapping->mapping;
	plans->database = pipeline->identity.database;
	plans->topics = pipeline->topics;
	plans->ntopics = pipeline->ntopics;
	plans->tables = pipeline->table_names;
	plans->sources = pipeline->tables;
	plans->table_ids = pipeline->table_ids;
	plans->ntables = pipeline->ntables;
	plans->max_record = pipeline->writer->max_record;
	plans->config_hash = pipeline->config_hash;
	return stream_plans_init(plans, err);
}
