/* SPDX-License-Identifier: PostgreSQL */
/*
 * plugin_compat.h — where PostgreSQL's major versions differ, and nothing else.
 */
#ifndef GOLDPAN_PLUGIN_COMPAT_H
#define GOLDPAN_PLUGIN_COMPAT_H

#if PG_VERSION_NUM < 150000
#error "goldpan needs PostgreSQL 15 or later"
#endif

/* 17 hands out the tuple itself instead of a buffer around it. */
#if PG_VERSION_NUM >= 170000
#define change_tuple(tuplebuf) (tuplebuf)
#else
#define change_tuple(tuplebuf) ((tuplebuf) ? &(tuplebuf)->tuple : NULL)
#endif

/* 18 wants to know whether a deferrable primary key counts. */
#if PG_VERSION_NUM >= 180000
#define relation_primary_key(relation) RelationGetPrimaryKeyIndex(relation, false)
#else
#define relation_primary_key(relation) RelationGetPrimaryKeyIndex(relation)
#endif

/* From 16 on the server itself reports progress inside of transactions. */
#define SERVER_REPORTS_PROGRESS (PG_VERSION_NUM >= 160000)

#endif
