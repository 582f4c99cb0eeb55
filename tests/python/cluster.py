# SPDX-License-Identifier: PostgreSQL
"""cluster — a throw-away PostgreSQL server for tests, benches and the demo.

It lives in a temporary folder with the plugin copied in, so that a clone anywhere works,
listens on a unix socket only, runs as user postgres when started by root, and is ended by
its own pid, at the latest when the Python process ends.
"""

import atexit
import contextlib
import glob
import os
import pwd
import shutil
import subprocess
import tempfile

import psycopg2

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PLUGIN = os.environ.get("GOLDPAN_PLUGIN", os.path.join(ROOT, "build", "plugin", "goldpan.so"))
PG_BIN = os.environ.get("PG_BIN", "/usr/lib/postgresql/15/bin")
SERVER_USER = "postgres"


def _demote():
    """Becomes the server's user in a child process when the tests run as root."""
    entry = pwd.getpwnam(SERVER_USER)
    os.setgid(entry.pw_gid)
    os.initgroups(SERVER_USER, entry.pw_gid)
    os.setuid(entry.pw_uid)


def _server_command(arguments, check=True):
    done = subprocess.run(
        arguments,
        preexec_fn=_demote if os.geteuid() == 0 else None,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd="/",
        text=True,
        check=False,
    )
    if check and done.returncode != 0:
        raise RuntimeError(f"{' '.join(arguments)}\n{done.stdout}")
    return done


class Cluster:
    """One throw-away PostgreSQL server."""

    def __init__(self, settings=None, hba=None):
        self.folder = tempfile.mkdtemp(prefix="goldpan-pg.")
        self.data = os.path.join(self.folder, "data")
        self.port = 5432
        library = os.path.join(self.folder, "lib")
        os.mkdir(library)
        if os.path.exists(PLUGIN):
            shutil.copy(PLUGIN, library)
        if os.geteuid() == 0:
            for path in [self.folder, library] + glob.glob(library + "/*"):
                shutil.chown(path, SERVER_USER, SERVER_USER)
        os.chmod(self.folder, 0o755)
        atexit.register(self.remove)
        _server_command(
            [f"{PG_BIN}/initdb", "-D", self.data, "-U", "postgres", "-A", "trust"]
            + ["--no-sync", "-E", "UTF8", "--locale=C.UTF-8"]
        )
        conf = {
            "listen_addresses": "''",
            "unix_socket_directories": f"'{self.folder}'",
            "wal_level": "logical",
            "max_wal_senders": "20",
            "max_replication_slots": "20",
            "max_connections": "60",
            "shared_buffers": "'64MB'",
            "fsync": "off",
            "wal_sender_timeout": "'60s'",
            "dynamic_library_path": f"'{library}:$libdir'",
            "log_line_prefix": "'%m [%p] %a '",
        }
        if self._knows_allow_list():
            conf["output_plugin_libraries"] = "'pgoutput, test_decoding, goldpan'"
        conf.update(settings or {})
        with open(os.path.join(self.data, "postgresql.conf"), "a", encoding="utf-8") as file:
            for name, value in conf.items():
                file.write(f"{name} = {value}\n")
        if hba is not None:
            with open(os.path.join(self.data, "pg_hba.conf"), "w", encoding="utf-8") as file:
                file.write(hba)
        self.start()

    @staticmethod
    def _knows_allow_list():
        """output_plugin_libraries came with a minor release: ask the program itself."""
        done = _server_command([f"{PG_BIN}/postgres", "--describe-config"], check=False)
        return "output_plugin_libraries" in done.stdout

    @property
    def log(self):
        return os.path.join(self.folder, "server.log")

    def start(self):
        _server_command(
            [f"{PG_BIN}/pg_ctl", "-D", self.data, "-l", self.log, "-w", "-t", "60", "start"]
        )

    def stop(self, mode="fast", check=True):
        _server_command([f"{PG_BIN}/pg_ctl", "-D", self.data, "-m", mode, "-w", "stop"], check)

    def restart(self, mode="fast"):
        self.stop(mode)
        self.start()

    def remove(self):
        if os.path.isdir(self.folder):
            self.stop("immediate", check=False)
            shutil.rmtree(self.folder, ignore_errors=True)

    def conninfo(self, database, user="postgres", **more):
        parts = {"host": self.folder, "port": self.port, "dbname": database, "user": user, **more}
        return " ".join(f"{name}={value}" for name, value in parts.items())

    def create(self, database, sql=""):
        self.sql("postgres", f'CREATE DATABASE "{database}"')
        if sql:
            self.sql(database, sql)

    def connect(self, database, autocommit=True):
        connection = psycopg2.connect(self.conninfo(database))
        connection.autocommit = autocommit
        return connection

    def sql(self, database, text, parameters=None):
        """Runs SQL in its own session; returns the rows of the last statement, if any."""
        with contextlib.closing(self.connect(database)) as connection:
            with connection.cursor() as cursor:
                cursor.execute(text, parameters)
                return cursor.fetchall() if cursor.description else []

    def value(self, database, text):
        return self.sql(database, text)[0][0]
