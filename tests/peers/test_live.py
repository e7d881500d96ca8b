"""What a person at a terminal sees while a job is followed: `linden` on a pseudo-terminal, and the same where nobody watches."""

import codecs
import os
import pathlib
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from fcntl import ioctl

import pytest

from job_file import job_file

CURSOR = re.compile(r"\x1b\[[0-9;]*[A-GJKST]|\r(?!\n)")
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
ANY = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
PATIENCE_SECS = 60


class Terminal:
    """A command on a terminal of that width, and what it wrote there."""

    def __init__(self, command: list, folder: pathlib.Path, width: int = 100, **variables: str) -> None:
        self.text = ""
        # A character may come in two pieces.
        self._decode = codecs.getincrementaldecoder("utf-8")().decode
        self._master, slave = pty.openpty()
        ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 30, width, 0, 0))
        environment = {"HOME": str(folder), "LINDEN_HOME": str(folder), "PATH": os.environ["PATH"], "TERM": "xterm"} | variables
        self.process = subprocess.Popen(
            command, cwd=folder, env=environment, stdin=slave, stdout=slave, stderr=slave, start_new_session=True, preexec_fn=lambda: ioctl(0, termios.TIOCSCTTY, 0)
        )
        os.close(slave)

    def read_until(self, part: str | None) -> str:
        """Reads until `part` was written, or to the end."""
        end = time.monotonic() + PATIENCE_SECS
        while part is None or part not in self.text:
            assert time.monotonic() < end, f"no {part!r} in {self.text!r}"
            ready, _, _ = select.select([self._master], [], [], 0.1)
            if not ready:
                continue
            try:
                data = os.read(self._master, 65536)
            except OSError:
                data = b""
            if not data:
                assert part is None, f"no {part!r} in {self.text!r}"
                break
            self.text += self._decode(data)
        return self.text

    def end(self) -> tuple[int, str]:
        text = self.read_until(None)
        code = self.process.wait(PATIENCE_SECS)
        os.close(self._master)
        return code, text

    def type(self, keys: bytes) -> None:
        os.write(self._master, keys)


class Screen:
    """What is left on a terminal after a text was written to it, as far as progress is drawn with."""

    def __init__(self, text: str, width: int = 100) -> None:
        self.lines, row, column = [""], 0, 0
        for token in re.findall(r"\x1b\[[0-9;?]*[A-Za-z]|\r|\n|[^\x1b\r\n]", text):
            if token == "\n":
                row += 1
                if row == len(self.lines):
                    self.lines.append("")
            elif token == "\r":
                column = 0
            elif token.startswith("\x1b"):
                number, kind = int(re.sub(r"\D", "", token) or 1), token[-1]
                if kind == "A":
                    row = max(row - number, 0)
                elif kind == "B":
                    row = min(row + number, len(self.lines) - 1)
                elif kind == "K":
                    self.lines[row] = "" if token == "\x1b[2K" else self.lines[row][:column]
                elif kind == "J":
                    self.lines[row] = self.lines[row][:column]
                    del self.lines[row + 1 :]
            else:
                if column == width:
                    row, column = row + 1, 0
                    self.lines.extend([""] * (row + 1 - len(self.lines)))
                self.lines[row] = self.lines[row][:column].ljust(column) + token + self.lines[row][column + 1 :]
                column += 1


@pytest.fixture
def folder(tmp_path: pathlib.Path) -> pathlib.Path:
    rows = "".join(f"{row % 17 + row % 5},{row % 17},{row % 5},{row * 7 % 11}\n" for row in range(4000))
    (tmp_path / "train.csv").write_text(rows)
    (tmp_path / "job.toml").write_text(job_file("live", "live-data", validation="train.csv", num_round=400, max_depth=6))
    return tmp_path


def test_a_person_sees_one_area_that_is_drawn_over_and_gone_at_the_end(linden: pathlib.Path, folder: pathlib.Path) -> None:
    code, text = Terminal([linden, "run", "job.toml", "--local"], folder).end()
    assert code == 0, text
    plain = ANY.sub("", text)
    assert CURSOR.search(text), "something was drawn over"
    assert re.search(r"Training \d+(?:\.\d+)?s · 1 × ml\.m5\.large", plain), plain
    assert re.search(r"round \d+/400 · validation:rmse [0-9.e-]+ · [▁▂▃▄▅▆▇█]{4,}", plain), plain
    left = Screen(text).lines
    assert not [it for it in left if "round " in it and "/400" in it], left
    assert not [it for it in left if " · 1 × ml.m5.large" in it and "billable" not in it and "compute" not in it], left
    # The last metric line stays, and only that.
    assert sum("validation-rmse:" in it for it in left) == 1, left


def test_nothing_is_wider_than_a_narrow_terminal_and_no_color_means_none(linden: pathlib.Path, folder: pathlib.Path) -> None:
    terminal = Terminal([linden, "run", "job.toml", "--local"], folder, width=40, NO_COLOR="1")
    code, text = terminal.end()
    assert code == 0, text
    assert not COLOUR.search(text), COLOUR.findall(text)[:3]
    assert CURSOR.search(text), "it is drawn all the same"
    # A line that is not the last is filled up to the terminal's width, and the next one begins there.
    areas = [it.rstrip() for it in re.split(r"[\r\n]|\x1b\[[0-9]*[A-GJK]", text) if re.match(r"  (Training \d|round \d+/)", it)]
    lines = [area[at : at + 40] for area in areas for at in range(0, len(area), 40)]
    assert lines and all(re.match(r"  (Training \d|round \d)", it) for it in lines), lines


def test_ctrl_c_takes_the_area_away_and_leaves_the_terminal_as_it_was(linden: pathlib.Path, folder: pathlib.Path) -> None:
    (folder / "job.toml").write_text(job_file("live", "live-data", validation="train.csv", num_round=20000, max_depth=6))
    terminal = Terminal([linden, "run", "job.toml", "--local"], folder)
    terminal.read_until("round ")
    terminal.type(b"\x03")
    code, text = terminal.end()
    assert code == 130, text
    left = Screen(text).lines
    assert not [it for it in left if re.match(r"  round \d+/20000", it)], left
    assert any("Stopping the job" in it for it in left), left
    assert text.count("\x1b[?25l") <= text.count("\x1b[?25h"), "the cursor is there"


def test_where_nobody_watches_there_are_plain_lines(linden: pathlib.Path, folder: pathlib.Path) -> None:
    environment = {"HOME": str(folder), "LINDEN_HOME": str(folder), "PATH": os.environ["PATH"]}
    ended = subprocess.run([linden, "run", "job.toml", "--local"], cwd=folder, env=environment, capture_output=True, text=True, timeout=PATIENCE_SECS, check=False)
    assert ended.returncode == 0, ended.stderr
    assert "\x1b" not in ended.stderr + ended.stdout and "\r" not in ended.stderr
    assert 2 < ended.stderr.count("validation-rmse:") < 60, ended.stderr


def test_a_log_that_is_followed_has_its_lines_above_the_area(linden: pathlib.Path, folder: pathlib.Path) -> None:
    (folder / "job.toml").write_text(job_file("live", "live-data", validation="train.csv", num_round=3000, max_depth=6))
    environment = {"HOME": str(folder), "LINDEN_HOME": str(folder), "PATH": os.environ["PATH"]}
    server = subprocess.Popen([linden, "local", "up", "--port", "0"], cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        end = time.monotonic() + PATIENCE_SECS
        while not (folder / "local" / "endpoint.json").is_file():
            assert time.monotonic() < end
            time.sleep(0.05)
        subprocess.run([linden, "run", "job.toml", "--local", "--detach"], cwd=folder, env=environment, check=True, capture_output=True, timeout=PATIENCE_SECS)
        code, text = Terminal([linden, "logs", "-f", "--local"], folder).end()
        assert code == 0, text
        assert re.search(r"round \d+/3000 · validation:rmse", ANY.sub("", text)), text
        left = Screen(text).lines
        assert sum("validation-rmse:" in it for it in left) == 3000, "every line is there, once"
        assert not [it for it in left if re.match(r"  round \d+/3000", it)]
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(PATIENCE_SECS)
