/* SPDX-License-Identifier: PostgreSQL */
/*
 * mapping_steps.c — reads a field's `apply` list, and prints a step for people.
 *
 * Everything a step needs at run time is found here: picklist, zone, country, a checked
 * date format. A step that cannot be used is a problem and left out.
 */
#include "mapping/mapping_priv.h"

#include <string.h>

typedef struct StepInput
{
	MappingReader *reader;
	const ConfNode *node;
	MappingStep *step;
	const char *path; /* of the step, for messages */
} StepInput;

/* A member that must be there. */
static const char *
mapping_steps_text(StepInput *input, const char *key, bool required)
{
	const char *text = mapping_node_text(input->reader, input->node, key);

	if (text == NULL && required && conf_node_member(input->node, key) == NULL)
		mapping_problem_add(input->reader, input->step->line,
							mapping_problem_text(input->reader, "Add %s = \"…\".", key),
							"%s: step \"%s\" needs \"%s\"", input->path,
							mapping_step_rows[input->step->kind].name, key);
	return text;
}

static void
mapping_steps_set_text(StepInput *input, const char *key, bool required, bool may_be_empty)
{
	MappingStep *step = input->step;

	step->text = mapping_steps_text(input, key, required);
	step->text_length = step->text == NULL ? 0 : (uint32_t) strlen(step->text);
	if (step->text != NULL && step->text_length == 0 && !may_be_empty)
		mapping_problem_add(input->reader, step->line, "", "%s: \"%s\" must not be empty",
							input->path, key);
}

static void
mapping_steps_constant(StepInput *input)
{
	const ConfNode *node = conf_node_member(input->node, "value");
	Cell *cell = &input->step->constant;

	cell->kind = CELL_NULL;
	if (node == NULL)
	{
		mapping_problem_add(input->reader, input->step->line, "Add value = \"…\".",
							"%s: step \"%s\" needs \"value\"", input->path,
							mapping_step_rows[input->step->kind].name);
		return;
	}
	switch (conf_node_kind(node))
	{
		case CONF_TEXT:
			cell->kind = CELL_TEXT;
			cell->as.text = mapping_problem_copy(input->reader, conf_node_text(node));
			cell->length = (uint32_t) strlen(cell->as.text);
			break;
		case CONF_INTEGER:
			cell->kind = CELL_INTEGER;
			cell->as.integer = conf_node_integer(node);
			break;
		case CONF_BOOLEAN:
			cell->kind = CELL_BOOLEAN;
			cell->as.boolean = conf_node_boolean(node);
			break;
		default:
			mapping_problem_add(input->reader, conf_node_line(node),
								"Write a decimal number as a text and add { do = \"number\"; }.",
								"%s: \"value\" must be a text, an integer or a boolean, is %s",
								input->path, conf_kind_name(conf_node_kind(node)));
			break;
	}
}

static void
mapping_steps_zone(StepInput *input)
{
	MappingReader *reader = input->reader;
	MappingStep *step = input->step;
	const char *near;
	const char *why;
	Err err;

	step->zone_name = mapping_steps_text(input, "zone", false);
	if (step->zone_name == NULL)
		return;
	step->zone = mapping_zone_load(&reader->mapping->arena, step->zone_name, &why, &err);
	if (step->zone != NULL)
		return;
	if (err.code == ERR_NOMEM)
	{
		*reader->err = err;
		reader->failed = true;
		return;
	}
	near = mapping_zone_suggest(reader->problems->arena, step->zone_name);
	mapping_problem_add(reader, step->line,
						near != NULL ? mapping_problem_text(reader, "Did you mean \"%s\"?", near)
									 : "Zones have names like \"Europe/Berlin\".",
						"%s: time zone \"%s\": %s", input->path, step->zone_name, why);
}

static void
mapping_steps_format(StepInput *input, bool with_time)
{
	MappingStep *step = input->step;
	bool has_time = false;
	bool has_offset = false;
	const char *reason;

	mapping_steps_set_text(input, "format", false, false);
	if (step->text == NULL || step->text_length == 0)
		return;
	reason = mapping_date_check_format(step->text, &has_time, &has_offset);
	if (reason != NULL)
		mapping_problem_add(input->reader, step->line,
							"A format looks like \"%d/%m/%Y\" or \"%Y-%m-%d %H:%M:%S\".",
							"%s: format \"%s\": %s", input->path, step->text, reason);
	else if (with_time && !has_time)
		mapping_problem_add(
			input->reader, step->line, "Add %H:%M, or use { do = \"date\"; } first.",
			"%s: format \"%s\" of a timestamp has no hour", input->path, step->text);
}

static void
mapping_steps_number(StepInput *input)
{
	MappingReader *reader = input->reader;
	MappingStep *step = input->step;
	const char *decimal = mapping_steps_text(input, "decimal", false);
	const char *group = mapping_steps_text(input, "group", false);

	step->number = (int32_t) mapping_node_integer(reader, input->node, "scale", 0, 18, 0);
	step->decimal_mark = '.';
	if (decimal != NULL && (strlen(decimal) != 1 || strchr(".,", decimal[0]) == NULL))
		mapping_problem_add(reader, step->line, "", "%s: \"decimal\" must be \".\" or \",\"",
							input->path);
	else if (decimal != NULL)
		step->decimal_mark = decimal[0];
	if (group == NULL || group[0] == '\0')
		return;
	if (strlen(group) != 1 || strchr(".,' _", group[0]) == NULL || group[0] == step->decimal_mark)
		mapping_problem_add(reader, step->line, "",
							"%s: \"group\" must be one of . , ' _ or a blank, and not the decimal "
							"mark",
							input->path);
	else
		step->group_mark = group[0];
}

static void
mapping_steps_country(StepInput *input)
{
	const char *name = mapping_steps_text(input, "country", false);

	if (name == NULL)
		return;
	input->step->country = mapping_phone_country(name);
	if (input->step->country == NULL)
		mapping_problem_add(input->reader, input->step->line,
							"A country is its ISO 3166-1 code of two capital letters, \"DE\".",
							"%s: unknown country \"%s\"", input->path, name);
	input->step->to = name;
}

static void
mapping_steps_picklist(StepInput *input)
{
	const Mapping *mapping = input->reader->mapping;
	const char *name = mapping_steps_text(input, "name", true);
	const char **names;

	if (name == NULL)
		return;
	for (size_t i = 0; i < mapping->npicklists; i++)
		if (strcmp(mapping->picklists[i].name, name) == 0)
			input->step->picklist = &mapping->picklists[i];
	input->step->text = name;
	if (input->step->picklist != NULL)
		return;
	names = mapping_problem_alloc(input->reader, (mapping->npicklists + 1) * sizeof(char *));
	if (names == NULL)
		return;
	for (size_t i = 0; i < mapping->npicklists; i++)
		names[i] = mapping->picklists[i].name;
	mapping_problem_add(input->reader, input->step->line,
						mapping_problem_suggest(input->reader, name, names),
						"%s: unknown picklist \"%s\"", input->path, name);
}

static void
mapping_steps_arguments(StepInput *input)
{
	static const char *const units[] = {"s", "ms", "us", NULL};
	static const int32_t micros[] = {1000000, 1000, 1};
	MappingStep *step = input->step;

	switch (step->kind)
	{
		case STEP_REPLACE:
			mapping_steps_set_text(input, "text", true, false);
			step->to = mapping_steps_text(input, "by", true);
			step->to_length = step->to == NULL ? 0 : (uint32_t) strlen(step->to);
			break;
		case STEP_CONCATENATE:
			mapping_steps_set_text(input, "separator", false, true);
			if (step->text == NULL)
				step->text = "";
			break;
		case STEP_SPLIT:
			mapping_steps_set_text(input, "separator", true, false);
			step->number =
				(int32_t) mapping_node_integer(input->reader, input->node, "part", -1000, 1000, 1);
			if (step->number == 0)
				mapping_problem_add(input->reader, step->line,
									"Parts count from 1; -1 is the last.", "%s: part 0",
									input->path);
			break;
		case STEP_CONSTANT:
		case STEP_DEFAULT:
			mapping_steps_constant(input);
			break;
		case STEP_NULL_IF:
			mapping_steps_set_text(input, "value", true, true);
			break;
		case STEP_PICKLIST:
			mapping_steps_picklist(input);
			break;
		case STEP_NUMBER:
			mapping_steps_number(input);
			break;
		case STEP_DATE:
			mapping_steps_format(input, false);
			mapping_steps_zone(input);
			break;
		case STEP_EPOCH:
			step->number =
				micros[mapping_node_choice(input->reader, input->node, "unit", units, 0)];
			break;
		case STEP_TIMESTAMP:
			mapping_steps_format(input, true);
			mapping_steps_zone(input);
			break;
		case STEP_PHONE:
			mapping_steps_country(input);
			break;
		default:
			break;
	}
}

static bool
mapping_steps_read_one(MappingReader *reader, const ConfNode *node, MappingStep *step)
{
	const char *names[STEP_KINDS + 1] = {NULL};
	const char *known[8] = {"do"};
	char path[CONF_PATH_SIZE];
	StepInput input = {.reader = reader, .node = node, .step = step, .path = path};
	const ConfNode *name = conf_node_member(node, "do");
	int kind;

	(void) conf_node_path(node, path);
	for (int i = 0; i < STEP_KINDS; i++)
		names[i] = mapping_step_rows[i].name;
	step->line = conf_node_line(node);
	if (name == NULL)
	{
		mapping_problem_add(reader, step->line, "Write { do = \"trim\"; }.",
							"%s: a step needs \"do\"", path);
		return false;
	}
	kind = mapping_node_choice(reader, node, "do", names, -1);
	if (kind < 0)
		return false;
	step->kind = (StepKind) kind;
	for (int i = 0; mapping_step_rows[kind].keys[i] != NULL; i++)
		known[i + 1] = mapping_step_rows[kind].keys[i];
	mapping_node_keys(reader, node, known);
	mapping_steps_arguments(&input);
	return true;
}

const MappingStep *
mapping_steps_read(MappingReader *reader, const ConfNode *field, uint16_t *count)
{
	const ConfNode *list;
	size_t wanted;
	MappingStep *steps =
		mapping_node_rows(reader, field, "apply", sizeof(MappingStep), &list, &wanted);

	*count = 0;
	if (wanted > MAPPING_MAX_STEPS)
	{
		mapping_problem_add(reader, conf_node_line(list), "", "a field has more than %d steps",
							MAPPING_MAX_STEPS);
		wanted = MAPPING_MAX_STEPS;
	}
	for (size_t i = 0; i < wanted; i++)
	{
		memset(&steps[*count], 0, sizeof(MappingStep));
		if (mapping_steps_read_one(reader, conf_node_at(list, i), &steps[*count]))
			(*count)++;
	}
	return steps;
}

static bool
mapping_steps_print_constant(const Cell *cell, Buffer *out, Err *err)
{
	if (cell->kind == CELL_TEXT)
		return buffer_printf(out, err, " \"%.*s\"", (int) cell->length, cell->as.text);
	if (cell->kind == CELL_BOOLEAN)
		return buffer_printf(out, err, " %s", cell->as.boolean ? "true" : "false");
	return buffer_printf(out, err, " %lld", (long long) cell->as.integer);
}

bool
mapping_steps_print(const MappingStep *step, Buffer *out, Err *err)
{
	if (!buffer_append_text(out, mapping_step_rows[step->kind].name, err))
		return false;
	switch (step->kind)
	{
		case STEP_REPLACE:
			return buffer_printf(out, err, " \"%s\" by \"%s\"", step->text, step->to);
		case STEP_CONCATENATE:
			return step->text_length == 0 || buffer_printf(out, err, " with \"%s\"", step->text);
		case STEP_SPLIT:
			return buffer_printf(out, err, " at \"%s\", part %d", step->text, step->number);
		case STEP_CONSTANT:
		case STEP_DEFAULT:
			return mapping_steps_print_constant(&step->constant, out, err);
		case STEP_NULL_IF:
			return buffer_printf(out, err, " \"%s\"", step->text);
		case STEP_PICKLIST:
			return buffer_printf(out, err, " %s", step->text);
		case STEP_NUMBER:
			return step->number == 0 || buffer_printf(out, err, " / 10^%d", step->number);
		case STEP_EPOCH:
			return buffer_printf(out, err, " %s",
								 step->number == 1		? "us"
								 : step->number == 1000 ? "ms"
														: "s");
		case STEP_DATE:
		case STEP_TIMESTAMP:
			if (step->text != NULL && !buffer_printf(out, err, " %s", step->text))
				return false;
			return step->zone_name == NULL || buffer_printf(out, err, " in %s", step->zone_name);
		case STEP_PHONE:
			return step->country == NULL || buffer_printf(out, err, " %s", step->to);
		default:
			return true;
	}
}
