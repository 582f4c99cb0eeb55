#!/usr/bin/env python3
# SPDX-License-Identifier: PostgreSQL
"""identity_peers — other engines on the same rows, by the settings their own authors publish.

  identity_peers.py ENGINE DATA IN.csv OUT-PREFIX

Run by bench_identity.py in a virtual environment of its own (build/identity-peers), one
process a run, so that time and memory are the run's own.  Writes OUT-PREFIX-NAME.csv (record_id,
cluster_id) for each threshold or classifier and prints one JSON line: version, settings, and for
each file the wall and CPU seconds it took, reading and imports left out.

splink        the examples of its documentation for the three sets: febrl3,
              accuracy_analysis_from_labels_column (fake_1000), deduplicate_50k_synthetic.  Changed:
              pairs kept from probability .2 on, u sampled with a seed, fake_1000's dob read as text.
recordlinkage the comparisons of its deduplication example (febrl3), blocks by each name,
              birth date, postcode and id; ECM and k-means as in its classifier example.  The other
              two sets have no published settings: the same comparisons with their columns.
dedupe        the fields of its csv example, trained as its own benchmark does: by pairs drawn
              from the truth, which the others do not see.
"""

import csv
import json
import os
import sys
import time


def write(path, clusters):
    with open(path, "w", newline="", encoding="utf-8") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(["record_id", "cluster_id"])
        out.writerows(sorted(clusters.items()))


class Clock:
    """Wall and CPU seconds, threads and child processes included."""

    def __init__(self, other=None):
        self.start = self.now() if other is None else [n - e for n, e in zip(self.now(), other)]

    @staticmethod
    def now():
        times = os.times()
        return [time.monotonic(), sum(times[:4])]

    def elapsed(self):
        return [n - s for n, s in zip(self.now(), self.start)]


def components(ids, pairs):
    parent = {i: i for i in ids}

    def root(i):
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    for a, b in pairs:
        a, b = root(a), root(b)
        parent[max(a, b)] = min(a, b)
    return {i: root(i) for i in ids}


# ---- splink ----


def splink_febrl(cl, block_on, without_id):
    rules = ["soc_sec_id", "given_name", "surname", "date_of_birth", "postcode"]
    comparisons = [
        cl.NameComparison("given_name"),
        cl.NameComparison("surname"),
        cl.DateOfBirthComparison("date_of_birth", input_is_string=True, datetime_format="%Y%m%d"),
        cl.DamerauLevenshteinAtThresholds("soc_sec_id", [2]),
        cl.ExactMatch("street_number").configure(term_frequency_adjustments=True),
        cl.ExactMatch("postcode").configure(term_frequency_adjustments=True),
    ]
    deterministic = [
        block_on("soc_sec_id"),
        block_on("given_name", "surname", "date_of_birth"),
        "l.given_name = r.surname and l.surname = r.given_name"
        " and l.date_of_birth = r.date_of_birth",
    ]
    if without_id:
        del rules[0], comparisons[3], deterministic[0]
    return {
        "blocking": [block_on(r) for r in rules],
        "comparisons": comparisons,
        "deterministic": deterministic,
        "recall": 0.4 if without_id else 0.9,
        "u_pairs": 1e6,
        "sessions": [block_on("date_of_birth"), block_on("postcode")],
        "without_tf": False,
    }


def splink_fake(cl, block_on):
    return {
        "blocking": [block_on(r) for r in ("first_name", "surname", "dob", "email")],
        "comparisons": [
            cl.ForenameSurnameComparison("first_name", "surname"),
            cl.DateOfBirthComparison("dob", input_is_string=True),
            cl.ExactMatch("city").configure(term_frequency_adjustments=True),
            cl.EmailComparison("email"),
        ],
        "deterministic": [
            "l.first_name = r.first_name and levenshtein(r.dob, l.dob) <= 1",
            "l.surname = r.surname and levenshtein(r.dob, l.dob) <= 1",
            "l.first_name = r.first_name and levenshtein(r.surname, l.surname) <= 2",
            "l.email = r.email",
        ],
        "recall": 0.7,
        "u_pairs": 1e6,
        "sessions": [block_on("dob"), block_on("email"), block_on("first_name", "surname")],
        "without_tf": True,
    }


def splink_historical(cl, block_on):
    blocks = [
        ("substr(first_name,1,3)", "substr(surname,1,4)"),
        ("surname", "dob"),
        ("first_name", "dob"),
        ("postcode_fake", "first_name"),
        ("postcode_fake", "surname"),
        ("dob", "birth_place"),
        ("substr(postcode_fake,1,3)", "dob"),
        ("substr(postcode_fake,1,3)", "first_name"),
        ("substr(postcode_fake,1,3)", "surname"),
        ("substr(first_name,1,2)", "substr(surname,1,2)", "substr(dob,1,4)"),
    ]
    return {
        "blocking": [block_on(*b) for b in blocks],
        "comparisons": [
            cl.ForenameSurnameComparison(
                "first_name",
                "surname",
                forename_surname_concat_col_name="first_name_surname_concat",
            ),
            cl.DateOfBirthComparison("dob", input_is_string=True),
            cl.PostcodeComparison("postcode_fake"),
            cl.ExactMatch("birth_place").configure(term_frequency_adjustments=True),
            cl.ExactMatch("occupation").configure(term_frequency_adjustments=True),
        ],
        "deterministic": [
            block_on("first_name", "surname", "dob"),
            block_on("substr(first_name,1,2)", "surname", "substr(postcode_fake,1,2)"),
            block_on("dob", "postcode_fake"),
        ],
        "recall": 0.6,
        "u_pairs": 1e7,
        "sessions": [block_on("first_name", "surname"), block_on("dob")],
        "without_tf": True,
    }


def run_splink(data, path, prefix):
    import duckdb
    import splink.comparison_library as cl
    from splink import DuckDBAPI, Linker, SettingsCreator, block_on

    con = duckdb.connect()
    con.execute("SET threads TO 2")
    extra = ""
    if data.startswith("historical"):
        extra = ", first_name || ' ' || surname AS first_name_surname_concat"
    table = con.sql(
        f"SELECT * EXCLUDE (truth){extra} FROM read_csv('{path}', all_varchar=true, header=true,"
        " nullstr='')"
    )
    if data.startswith("febrl3"):
        setup = splink_febrl(cl, block_on, data.endswith("_without_ssn"))
    elif data == "fake_1000":
        setup = splink_fake(cl, block_on)
    else:
        setup = splink_historical(cl, block_on)
    clock = Clock()
    settings = SettingsCreator(
        unique_id_column_name="record_id",
        link_type="dedupe_only",
        blocking_rules_to_generate_predictions=setup["blocking"],
        comparisons=setup["comparisons"],
    )
    api = DuckDBAPI(connection=con)
    linker = Linker(api.register(table.to_arrow_table()), settings)
    training = linker.training
    training.estimate_probability_two_random_records_match(
        setup["deterministic"], recall=setup["recall"]
    )
    training.estimate_u_using_random_sampling(max_pairs=setup["u_pairs"], seed=5)
    for rule in setup["sessions"]:
        training.estimate_parameters_using_expectation_maximisation(
            rule, estimate_without_term_frequencies=setup["without_tf"]
        )
    predictions = linker.inference.predict(threshold_match_probability=0.2)
    files = {}
    scored = clock.elapsed()
    for threshold in (0.95, 0.5):
        clock = Clock(scored)
        clusters = linker.clustering.cluster_pairwise_predictions_at_threshold(
            predictions, threshold_match_probability=threshold
        )
        found = {str(r["record_id"]): str(r["cluster_id"]) for r in clusters.as_record_list()}
        took = clock.elapsed()
        write(f"{prefix}-{threshold}.csv", found)
        files[f"clusters at {threshold}"] = [f"{prefix}-{threshold}.csv", *took]
    return files, "its documentation's example for these rows"


# ---- recordlinkage ----


def run_recordlinkage(data, path, prefix):
    import pandas
    import recordlinkage

    table = pandas.read_csv(path, dtype=str, keep_default_na=True).set_index("record_id")
    compare = recordlinkage.Compare()
    if data.startswith("febrl3"):
        blocks = ["given_name", "surname", "date_of_birth", "postcode", "soc_sec_id"]
        if data.endswith("_without_ssn"):
            blocks.pop()
        else:
            compare.string("soc_sec_id", "soc_sec_id", method="damerau_levenshtein", threshold=0.7)
        compare.string("given_name", "given_name", method="jarowinkler", threshold=0.85)
        compare.string("surname", "surname", method="jarowinkler", threshold=0.85)
        compare.exact("date_of_birth", "date_of_birth")
        compare.exact("suburb", "suburb")
        compare.exact("state", "state")
        compare.string("address_1", "address_1", threshold=0.85)
    elif data == "fake_1000":
        blocks = ["first_name", "surname", "dob", "email"]
        compare.string("first_name", "first_name", method="jarowinkler", threshold=0.85)
        compare.string("surname", "surname", method="jarowinkler", threshold=0.85)
        compare.exact("dob", "dob")
        compare.exact("city", "city")
        compare.string("email", "email", method="jarowinkler", threshold=0.85)
    else:
        blocks = [["surname", "dob"], ["first_name", "dob"], ["postcode_fake", "first_name"],
                  ["postcode_fake", "surname"], ["dob", "birth_place"], ["first_name", "surname"]]
        compare.string("first_name", "first_name", method="jarowinkler", threshold=0.85)
        compare.string("surname", "surname", method="jarowinkler", threshold=0.85)
        compare.exact("dob", "dob")
        compare.exact("postcode_fake", "postcode_fake")
        compare.exact("birth_place", "birth_place")
        compare.exact("occupation", "occupation")
    clock = Clock()
    index = recordlinkage.Index()
    for block in blocks:
        index.block(block)
    pairs = index.index(table)
    features = compare.compute(pairs, table)
    scored = clock.elapsed()
    files = {}
    for name, classifier in (
        ("ECM", recordlinkage.ECMClassifier(binarize=0.8)),
        ("k-means", recordlinkage.KMeansClassifier()),
    ):
        clock = Clock(scored)
        links = classifier.fit_predict(features)
        found = components(list(table.index), links)
        took = clock.elapsed()
        write(f"{prefix}-{name}.csv", found)
        files[name] = [f"{prefix}-{name}.csv", *took]
    return files, f"blocks {blocks}, {len(pairs)} pairs, connected components"


# ---- dedupe ----


def run_dedupe(data, path, prefix):
    import random

    import dedupe
    import numpy
    from dedupe import variables

    random.seed(1)
    numpy.random.seed(1)
    columns = {
        "febrl3": "given_name surname street_number address_1 suburb postcode state date_of_birth"
        " soc_sec_id",
        "febrl3_without_ssn": "given_name surname street_number address_1 suburb postcode state"
        " date_of_birth",
        "fake_1000": "first_name surname dob city email",
    }.get(data, "first_name surname dob birth_place postcode_fake occupation").split()
    records, truth = {}, {}
    with open(path, newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            records[row["record_id"]] = {c: row[c].lower() or None for c in columns}
            truth[row["record_id"]] = row["truth"]
    clock = Clock()
    labelled = {i: dict(r, truth=truth[i]) for i, r in records.items()}
    pairs = dedupe.training_data_dedupe(labelled, "truth", 1000)
    for kind in pairs.values():
        for one, other in kind:
            one.pop("truth", None)
            other.pop("truth", None)
    engine = dedupe.Dedupe([variables.String(c, has_missing=True) for c in columns], num_cores=2)
    import io

    engine.prepare_training(
        records, training_file=io.StringIO(json.dumps(pairs, default=list)), sample_size=3000
    )
    engine.train(recall=0.9, index_predicates=False)
    found = {}
    for number, (members, _) in enumerate(engine.partition(records, threshold=0.5)):
        for member in members:
            found[member] = str(number)
    took = clock.elapsed()
    write(f"{prefix}-partition.csv", found)
    return {"partition at .5": [f"{prefix}-partition.csv", *took]}, "1,000 pairs labelled from the truth"


def main():
    engine, data, path, prefix = sys.argv[1:]
    run = {"splink": run_splink, "recordlinkage": run_recordlinkage, "dedupe": run_dedupe}[engine]
    files, settings = run(data, path, prefix)
    from importlib.metadata import version

    print(json.dumps({"version": version(engine), "settings": settings, "files": files}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
