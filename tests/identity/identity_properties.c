/* SPDX-License-Identifier: PostgreSQL */
/*
 * identity_properties — random histories against what must always hold.
 *
 *   identity_properties FROM TO [JOBS]
 *
 * A history is named by its number, so that a failure is told by one number and any
 * range of them may run on any machine.  With JOBS, as many processes share the range.
 */
#include "properties.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static void
add_up(Mix *sum, const Mix *own)
{
	uint64_t *to = (uint64_t *) sum;
	const uint64_t *from = (const uint64_t *) own;

	for (size_t i = 0; i < sizeof(Mix) / sizeof(uint64_t); i++)
		to[i] += from[i];
}

static void
run_history(World *world, const IdentityModel *model, const IdentityModel *other, uint64_t number)
{
	memset(world, 0, sizeof(*world));
	world->model = model;
	world->other_model = other;
	world->history = number;
	world->random = identity_text_mix(number, 4711);
	world->kinds = draw(world, 3);
	world->memory = pool_memory(&world->pool);
	world->main = identity_new(model, "p", &world->memory, NULL);
	world->replica = identity_new(model, "p", NULL, NULL);
	if (world->main == NULL || world->replica == NULL)
		fail(world, "out of memory");
	if (draw(world, 4) == 0)
		adopt_some(world);
	for (unsigned s = 0; s < STEPS; s++)
	{
		random_step(world);
		if (draw(world, 5) == 0)
			probe(world);
	}
	check_whole(world);
	identity_free(world->main);
	identity_free(world->replica);
	if (world->pool.bytes != 0)
		fail(world, "memory was not given back");
	world->mix.histories = 1;
}

static IdentityModel *
small_model(double link, double key_cap)
{
	static const char *const limits[] = {"names_per_email 2", "names_per_phone 3",
										 "neighbourhood 8"};
	static const char *const kinds[] = {"person", "company"};
	IdentityModel *model = identity_model_default(NULL);

	for (unsigned k = 0; k < 2 && model != NULL; k++)
		for (unsigned i = 0; i < 3; i++)
		{
			char name[64];
			const char *space = strchr(limits[i], ' ');

			snprintf(name, sizeof(name), "%s.%.*s", kinds[k], (int) (space - limits[i]), limits[i]);
			if (!identity_model_set(model, name, atof(space), NULL))
				exit(2);
		}
	if (model != NULL && (!identity_model_set(model, "person.key_cap", key_cap, NULL) ||
						  !identity_model_set(model, "company.key_cap", key_cap, NULL)))
		exit(2);
	if (model != NULL && link != 0 &&
		(!identity_model_set(model, "person.link", link, NULL) ||
		 !identity_model_set(model, "company.link", link, NULL)))
		exit(2);
	return model;
}

/* Trained on what histories are made of; the values to be erased are among the frequent ones. */
static IdentityModel *
trained_model(const IdentityModel *base, World *world)
{
	IdentityTrainer *trainer = identity_trainer_new(base, (size_t) 1 << 28, NULL);
	IdentityModel *model;

	memset(world, 0, sizeof(*world));
	world->kinds = 2;
	for (unsigned i = 0; trainer != NULL && i < 300; i++)
	{
		Step step = {.type = IDENTITY_UPSERT, .values = some_values(world, i % 5 == 0)};
		IdentityChange change;
		Built built;

		build(world, &step, &change, &built);
		if (!identity_trainer_add(trainer, change.kind, change.fields, change.nfields, NULL))
			exit(2);
	}
	model = trainer == NULL ? NULL : identity_trainer_finish(trainer, NULL, NULL);
	identity_trainer_free(trainer);
	if (model == NULL || model->kind[IDENTITY_PERSON].nfrequencies == 0)
		exit(2);
	return model;
}

static void
run_share(Mix *mix, uint64_t from, uint64_t to, uint64_t step)
{
	/* where few may have a key a value is soon what too many have */
	IdentityModel *model = small_model(0, 6), *narrow = small_model(0, 2), *trained;
	IdentityModel *other = small_model(6, 6);
	World *world = malloc(sizeof(*world));

	if (model == NULL || narrow == NULL || other == NULL || world == NULL)
		exit(2);
	trained = trained_model(model, world);
	for (uint64_t number = from; number < to; number += step)
	{
		run_history(world,
					number % 3 == 0	  ? trained
					: number % 3 == 1 ? narrow
									  : model,
					other, number);
		add_up(mix, &world->mix);
	}
	identity_model_free(model);
	identity_model_free(narrow);
	identity_model_free(other);
	identity_model_free(trained);
	free(world);
}

static void
print_mix(const Mix *m)
{
	struct rusage own, children;
	double share = m->steps ? 100.0 / (double) m->steps : 0;

	getrusage(RUSAGE_SELF, &own);
	getrusage(RUSAGE_CHILDREN, &children);
	printf("%llu histories, %llu steps: %.1f %% merge or split (%.1f %% merge, %.1f %% split)\n",
		   (unsigned long long) m->histories, (unsigned long long) m->steps,
		   (double) m->moving * share, (double) m->merged * share, (double) m->split * share);
	printf("upserts %.1f %%, adopted %.1f %%, deletes %.1f %%, erases %.1f %%, undone %.1f %%, "
		   "refused answers %.1f %%\n",
		   (double) m->upserts * share, (double) m->adopted * share, (double) m->deletes * share,
		   (double) m->erases * share, (double) m->undone * share, (double) m->refused * share);
	printf("answers: same %.1f %%, different %.1f %%, unsure %.1f %%, split %.1f %%\n",
		   (double) m->judged[1] * share, (double) m->judged[2] * share,
		   (double) m->judged[3] * share, (double) m->judged[4] * share);
	printf("%llu aborted, %llu probes, %.1f s of CPU: all properties hold\n",
		   (unsigned long long) m->aborted, (unsigned long long) m->probes,
		   (double) (own.ru_utime.tv_sec + own.ru_stime.tv_sec + children.ru_utime.tv_sec +
					 children.ru_stime.tv_sec) +
			   1e-6 * (double) (own.ru_utime.tv_usec + children.ru_utime.tv_usec));
}

int
main(int argc, char **argv)
{
	uint64_t from = argc > 1 ? strtoull(argv[1], NULL, 10) : 0;
	uint64_t to = argc > 2 ? strtoull(argv[2], NULL, 10) : from + 200;
	unsigned jobs = argc > 3 ? (unsigned) atoi(argv[3]) : 1;
	Mix *mix =
		mmap(NULL, sizeof(Mix) * 256, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	bool failed = false;
	int status;

	if (mix == MAP_FAILED || jobs < 1 || jobs > 255)
		return 2;
	for (unsigned j = 1; j < jobs; j++)
		if (fork() == 0)
		{
			run_share(&mix[j], from + j, to, jobs);
			_exit(0);
		}
	run_share(&mix[0], from, to, jobs);
	while (wait(&status) > 0)
		failed |= status != 0;
	for (unsigned j = 1; j < jobs; j++)
		add_up(&mix[0], &mix[j]);
	if (failed || mix[0].histories != to - from)
		return 1;
	print_mix(&mix[0]);
	return 0;
}
