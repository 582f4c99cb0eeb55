/* SPDX-License-Identifier: PostgreSQL */
/*
 * dataset_priv.h — what the files of this room share.
 */
#ifndef DATASET_PRIV_H
#define DATASET_PRIV_H

#include "goldpan/dataset.h"

/* Flushes the folder that `path` lies in, so that a rename there lasts. */
bool dataset_sync_folder(const char *path, Err *err) MUST_CHECK;

#endif
