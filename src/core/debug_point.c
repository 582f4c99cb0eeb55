/* SPDX-License-Identifier: PostgreSQL */
/*
 * debug_point.c — named places where a test may kill or delay the program.
 *
 * The function is always there, so that it can be tested in every build; the calls
 * (GP_DEBUG_POINT) are compiled in for tests only. The environment is read at each hit:
 * a test may change it in between.
 */
#include "goldpan/debug_point.h"

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <pthread.h>

#define DEBUG_POINT_MAX 16

typedef struct DebugPoint
{
	char name[64];
	unsigned long hits;
} DebugPoint;

static DebugPoint debug_points[DEBUG_POINT_MAX];
static pthread_mutex_t debug_point_mutex = PTHREAD_MUTEX_INITIALIZER;

/* Hits of one watched name so far, this one included. */
static unsigned long
debug_point_count(const char *name)
{
	unsigned long hits = 0;

	(void) pthread_mutex_lock(&debug_point_mutex);
	for (int i = 0; i < DEBUG_POINT_MAX; i++)
	{
		DebugPoint *point = &debug_points[i];

		if (point->name[0] == '\0')
			(void) snprintf(point->name, sizeof(point->name), "%s", name);
		if (strcmp(point->name, name) == 0)
		{
			hits = ++point->hits;
			break;
		}
	}
	(void) pthread_mutex_unlock(&debug_point_mutex);
	return hits;
}

/* Whether the list "name[:n],name[:n]" names this one; *nth is 1 when not said. */
static bool
debug_point_wanted(const char *list, const char *name, unsigned long *nth)
{
	size_t length = strlen(name);

	for (const char *item = list; item != NULL; item = strchr(item, ','))
	{
		if (*item == ',')
			item++;
		if (strncmp(item, name, length) != 0)
			continue;
		if (item[length] == ':')
			*nth = strtoul(item + length + 1, NULL, 10);
		else if (item[length] == '\0' || item[length] == ',')
			*nth = 1;
		else
			continue;
		return true;
	}
	return false;
}

static void
debug_point_act(const char *name)
{
	const char *action = getenv("GOLDPAN_DEBUG_POINT_ACTION");

	if (action == NULL)
		action = "kill";
	(void) fprintf(stderr, "debug point %s: %s\n", name, action);
	if (strncmp(action, "sleep:", 6) == 0)
	{
		long ms = strtol(action + 6, NULL, 10);
		struct timespec pause = {ms / 1000, ms % 1000 * 1000000};

		(void) nanosleep(&pause, NULL);
	}
	else if (strcmp(action, "stop") == 0)
		(void) raise(
			SIGSTOP); /* to this thread: sent to the process, it might run on for a while */
	else
		(void) kill(getpid(), SIGKILL);
}

void
debug_point_hit(const char *name)
{
	const char *list = getenv("GOLDPAN_DEBUG_POINT");
	unsigned long nth;

	if (list == NULL || !debug_point_wanted(list, name, &nth))
		return;
	if (debug_point_count(name) == nth)
		debug_point_act(name);
}
