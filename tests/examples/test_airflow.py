import json

from command_lines import parsed

TASKS = """
import json, runpy, sys
dag = runpy.run_path(sys.argv[1])["create"].dag
json.dump({one.task_id: [one.cmds, one.arguments, sorted(one.downstream_task_ids)] for one in dag.tasks}, sys.stdout)
"""


def test_tasks_run_commands_that_there_are_and_keep_what_they_print(engine, example, run, tmp_path):
    python = engine("airflow", "python")
    found = run([python, "-c", TASKS, str(example("airflow_dag.py"))], AIRFLOW_HOME=str(tmp_path), PYTHONPATH="")
    tasks = json.loads(found.splitlines()[-1])
    assert {name: after for name, (_, _, after) in tasks.items()} == {
        "create": ["audit", "drift"],
        "audit": [],
        "drift": [],
    }
    for shell, words, _ in tasks.values():
        assert parsed(words).params["as_json"]
        assert shell[2].endswith('exec resampler "$@" > /airflow/xcom/return.json')  # its exit code is the pod's
