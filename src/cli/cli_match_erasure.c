/* SPDX-License-Identifier: PostgreSQL */
/*
 * cli_match_erasure.c — what a log says of erased records: taken once, and nobody comes back by chance.
 *
 * Whoever was erased comes back by what the source writes afterwards, not by an older log nor by a copy of
 * the table.
 */
#include "cli/cli_match_priv.h"

static bool
match_before(DatasetMoment a, DatasetMoment b)
{
	return a.lsn != b.lsn ? a.lsn < b.lsn : a.ordinal < b.ordinal;
}

static bool
match_unknown(DatasetMoment at)
{
	return at.lsn == 0 && at.ordinal == 0;
}

bool
match_erasure(MatchRun *run, const DatasetRecord *record, bool last, bool *anew, Err *err)
{
	const DatasetErasure *before;
	DatasetStored stored;
	bool known;

	*anew = false;
	if (!record->erased || run->erasures == NULL)
		return true;
	before = dataset_erasure_find(run->erasures, record->ref);
	known = dataset_store_find(run->old, record->ref, &stored) &&
			!dataset_store_marked(run->old, &stored);
	/* a log that does not say when is believed as often as it has something to erase */
	if (before != NULL && !match_before(before->at, record->erased_at) &&
		!(last && known && match_unknown(record->erased_at)))
		return true;
	if (dataset_store_added(run->doubles, record->ref))
	{
		(void) err_set(err, ERR_CLASS_USAGE, ERR_DATA,
					   "an input has a record of source \"%s\" that a log read after it says was "
					   "erased",
					   record->ref.source);
		return err_hint(err, "Give that log first.");
	}
	*anew = true;
	if (known)
		(void) dataset_store_mark(run->old, &stored);
	run->removed += known ? 1 : 0;
	return dataset_erasure_put(run->erasures, record->ref, record->erased_at, err) != NULL &&
		   match_change(run, IDENTITY_ERASE, record->ref, record->kind, NULL, 0, err);
}

bool
match_withheld(MatchRun *run, const DatasetRecord *record)
{
	DatasetErasure *erasure =
		run->erasures != NULL ? dataset_erasure_find(run->erasures, record->ref) : NULL;

	if (erasure == NULL)
		return false;
	if (match_before(erasure->at, record->at) ||
		(record->erased && !match_before(record->erased_at, erasure->at)))
	{
		erasure->lifted = true;
		return false;
	}
	/* rows and copies of the table are believed once the source has written anew, if not older */
	return !erasure->lifted || !(match_before(erasure->at, record->copied) ||
								 (match_unknown(record->at) && match_unknown(record->copied)));
}

bool
match_withhold(MatchRun *run, const DatasetRecord *record, Err *err)
{
	DatasetStored stored;
	bool twice;

	run->withheld++;
	return !dataset_store_find(run->old, record->ref, &stored) ||
		   dataset_store_mark(run->old, &stored) ||
		   dataset_store_add(run->doubles, stored.ref, stored.bytes.text, stored.bytes.length,
							 &twice, err);
}
