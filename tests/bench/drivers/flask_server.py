"""A server as the built-in container runs it: Flask below gunicorn's gevent workers, one for each processor, XGBoost on one
thread; requests and answers are CSV by the container's own steps (`algorithm_mode/serve.py`, `encoder.py`). nginx, which
stands in front of it there, is left out.

`flask_server.py MODEL PORT` runs until SIGTERM.
"""

import csv
import io
import multiprocessing
import os
import sys

os.environ.setdefault("OMP_NUM_THREADS", "1")

import flask
import gunicorn.app.base
import numpy as np
import xgboost as xgb

app = flask.Flask(__name__)
state: dict[str, xgb.Booster] = {}


def matrix(payload: bytes) -> xgb.DMatrix:
    """CSV as the container reads it."""
    text = payload.strip().decode("utf-8")
    found = csv.Sniffer().sniff(text.split("\n")[0][:512]).delimiter
    delimiter = "," if found.isalnum() else found
    rows = [["nan" if cell == "" else cell for cell in line.split(delimiter)] for line in text.split("\n")]
    return xgb.DMatrix(np.array(rows).astype(float))


@app.get("/ping")
def ping() -> flask.Response:
    return flask.Response(status=200)


@app.post("/invocations")
def invocations() -> flask.Response:
    predictions = state["booster"].predict(matrix(flask.request.data), validate_features=False).tolist()
    out = io.BytesIO()
    np.savetxt(out, predictions, delimiter=",", fmt="%s")
    return flask.Response(response=out.getvalue(), status=200, mimetype="text/csv")


class Server(gunicorn.app.base.BaseApplication):
    """gunicorn without a command line."""

    def load_config(self) -> None:
        workers = multiprocessing.cpu_count()
        settings = {"bind": f"127.0.0.1:{sys.argv[2]}", "workers": workers, "worker_class": "gevent", "keepalive": 60, "loglevel": "error"}
        for name, value in settings.items():
            self.cfg.set(name, value)
        self.cfg.set("post_worker_init", load_model)

    def load(self) -> flask.Flask:
        return app


def load_model(_worker: object) -> None:
    """Each worker has its own, since XGBoost's is not shared."""
    booster = xgb.Booster(model_file=sys.argv[1])
    booster.set_param("nthread", 1)
    state["booster"] = booster


if __name__ == "__main__":
    Server().run()
