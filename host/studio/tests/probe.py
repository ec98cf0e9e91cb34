"""The studio's window under a display without a screen: when the first text stands there, what it costs, what idling costs, from key to pixel.

usage: probe.py STUDIO [--starts N] [--idle-seconds N] [--keys N] [--edits N] [--minutes N] [--report FOLDER]

Prints one JSON object. Times are wall times of this machine, whatever else it does; processor times are from /proc/PID/schedstat.
"""

import argparse, json, os, pathlib, random, shutil, signal, statistics, struct, subprocess, sys, tempfile, time, zlib
from Xlib import X, XK, display
from Xlib.ext import xtest

GROUND = 0x15191F
LINES = 20_000


def text_of_a_megabyte():
    line = "    let value_{n:05} = compute(left[{n:05}], right);"
    text = "".join(line.format(n=n) + "\n" for n in range(LINES))
    assert 1_000_000 < len(text) < 1_100_000, len(text)
    return text


def wave_of_a_job():
    """A clock and 100 words that take other values for 500 cycles: half a megabyte, as the wave of a product on a board is."""
    rng, names = random.Random(1), [chr(33 + n // 90) + chr(33 + n % 90) for n in range(100)]
    head = ["$timescale 1ns $end", "$scope module board $end", "$var wire 1 ! clock $end"]
    head += [f"$var wire 32 {name} word_{n} $end" for n, name in enumerate(names)]
    lines = head + ["$upscope $end", "$enddefinitions $end"]
    for half in range(1000):
        lines += [f"#{5 * half}", f"{half % 2}!"]
        lines += [f"b{rng.getrandbits(32):b} {name}" for name in rng.sample(names, 12 if half % 2 else 0)]
    return "\n".join(lines) + "\n"


class Screen:
    """Xvfb, and our own connection to it."""

    def __init__(self):
        read, write = os.pipe()
        self.server = subprocess.Popen(
            ["Xvfb", "-displayfd", str(write), "-screen", "0", "1280x900x24", "-nolisten", "tcp", "-noreset"],
            pass_fds=[write], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(write)
        number = b""
        while not number.endswith(b"\n"):
            more = os.read(read, 16)
            if not more:
                sys.exit("error: Xvfb does not start\n help: ./tools.sh studio installs it")
            number += more
        os.close(read)
        self.name = ":" + number.decode().strip()
        self.display = display.Display(self.name)
        self.root = self.display.screen().root

    def end(self):
        self.display.close()
        self.server.terminate()
        self.server.wait()

    def pixels(self, x, y, width, height):
        return self.root.get_image(x, y, width, height, X.ZPixmap, 0xFFFFFFFF).data

    def key(self, name, shift=False, ctrl=False, alt=False):
        code = self.display.keysym_to_keycode(XK.string_to_keysym(name))
        held = [self.display.keysym_to_keycode(XK.string_to_keysym(k)) for k, on in
                (("Shift_L", shift), ("Control_L", ctrl), ("Alt_L", alt)) if on]
        for one in held:
            xtest.fake_input(self.display, X.KeyPress, one)
        xtest.fake_input(self.display, X.KeyPress, code)
        xtest.fake_input(self.display, X.KeyRelease, code)
        for one in reversed(held):
            xtest.fake_input(self.display, X.KeyRelease, one)
        self.display.flush()

    def picture(self, path):
        """The screen as a PNG."""
        width, height = 1200, 800
        data = self.pixels(0, 0, width, height)
        rows = b"".join(b"\0" + bytes(data[at + c] for at in range(y * width * 4, (y + 1) * width * 4, 4) for c in (2, 1, 0)) for y in range(height))
        chunk = lambda kind, body: struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
        path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b""))


class Studio:
    """A studio that was started, and the moment of that."""

    def __init__(self, program, screen, project, files, environment=None):
        self.screen = screen
        home = tempfile.mkdtemp(prefix="studio-home-")
        self.home = home
        self.before = screen.pixels(60, 30, 400, 300)
        environment = {**os.environ, "DISPLAY": screen.name, "HOME": home, "XDG_STATE_HOME": home, "XDG_RUNTIME_DIR": home,
                       "WINIT_X11_SCALE_FACTOR": "1", **(environment or {})}
        environment.pop("WAYLAND_DISPLAY", None)
        os.chmod(home, 0o700)
        self.began = time.perf_counter()
        self.process = subprocess.Popen([program, str(project), *map(str, files)], env=environment, stdout=subprocess.DEVNULL)

    def first_text(self, deadline=60):
        """Seconds until six colours stand where the text belongs, and the processor seconds that the start has cost until then."""
        while time.perf_counter() - self.began < deadline:
            data = self.screen.pixels(60, 30, 400, 60)
            if len({data[at:at + 3] for at in range(0, len(data), 4)}) >= 6:
                seen = time.perf_counter() - self.began, self.cpu()
                self.take_keys()
                return seen
            time.sleep(0.001)
        sys.exit("error: no text within a minute")

    def take_keys(self):
        """No window manager is there to say where keys go."""
        for window in self.screen.root.query_tree().children:
            if window.get_attributes().map_state == X.IsViewable:
                window.set_input_focus(X.RevertToParent, X.CurrentTime)
        self.screen.display.sync()
        time.sleep(0.2)

    def cpu(self):
        """Processor seconds of all threads that still run: one may end while they are listed."""
        total = 0
        for task in pathlib.Path(f"/proc/{self.process.pid}/task").iterdir():
            try:
                total += int(task.joinpath("schedstat").read_text().split()[0])
            except (FileNotFoundError, ProcessLookupError):
                continue
        return total / 1e9

    def memory(self):
        """Resident megabytes, and those of this process alone."""
        status = dict(line.split(":", 1) for line in open(f"/proc/{self.process.pid}/status") if line.startswith("Vm") or line.startswith("Rss"))
        rollup = dict(line.split(":", 1) for line in open(f"/proc/{self.process.pid}/smaps_rollup") if ":" in line and "-" not in line.split(":")[0])
        kb = lambda text: int(text.split()[0]) / 1024
        return {"rss_mb": round(kb(status["VmRSS"]), 1), "pss_mb": round(kb(rollup["Pss"]), 1), "anonymous_mb": round(kb(status["RssAnon"]), 1)}

    def until_changed(self, area, before, deadline=5):
        began = time.perf_counter()
        while time.perf_counter() - began < deadline:
            if self.screen.pixels(*area) != before:
                return time.perf_counter()
        return None

    def end(self):
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.home, ignore_errors=True)


def line_of_the_cursor(studio):
    """The rows of the screen that a key changes: looking at all of them takes as long as what is measured."""
    screen, (x, y, width, height) = studio.screen, (60, 16, 700, 770)
    before = screen.pixels(x, y, width, height)
    screen.key("k")
    if studio.until_changed((x, y, width, height), before) is None:
        sys.exit("error: a key changed no pixel within five seconds")
    time.sleep(0.1)
    after, row = screen.pixels(x, y, width, height), width * 4
    changed = [at for at in range(height) if before[at * row:(at + 1) * row] != after[at * row:(at + 1) * row]]
    return x, y + changed[0], width, min(24, changed[-1] - changed[0] + 1)


def key_to_pixel(studio, count):
    """Milliseconds from a key to changed pixels, in the line with the cursor."""
    screen, times = studio.screen, []
    area = line_of_the_cursor(studio)
    for index in range(count):
        before = screen.pixels(*area)
        began = time.perf_counter()
        screen.key("abcdefghij"[index % 10])
        seen = studio.until_changed(area, before)
        if seen is None:
            sys.exit("error: a key changed no pixel within five seconds")
        times.append((seen - began) * 1000)
        # The frame that was seen is over before the next key.
        time.sleep(0.002)
    return times


def go_to(screen, line):
    screen.key("g", ctrl=True)
    for digit in str(line):
        screen.key(digit)
    screen.key("Return")
    time.sleep(0.3)


def quantile(values, share):
    return round(sorted(values)[min(len(values) - 1, int(share * len(values)))], 2)


def plot(path, title, unit, values, limit):
    """Sorted values as a line, the limit as another."""
    width, height, most = 640, 240, max(max(values), limit) * 1.1
    points = " ".join(f"{40 + index * (width - 60) / max(1, len(values) - 1):.1f},{height - 30 - value * (height - 60) / most:.1f}" for index, value in enumerate(sorted(values)))
    y = height - 30 - limit * (height - 60) / most
    path.write_text(f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-family="sans-serif" font-size="12">'
                    f'<rect width="{width}" height="{height}" fill="white"/><text x="40" y="18">{title} ({unit}, sorted; {len(values)} values)</text>'
                    f'<polyline points="{points}" fill="none" stroke="#2a6f97" stroke-width="2"/>'
                    f'<line x1="40" x2="{width - 20}" y1="{y:.1f}" y2="{y:.1f}" stroke="#c1121f" stroke-dasharray="4"/>'
                    f'<text x="{width - 160}" y="{y - 4:.1f}" fill="#c1121f">figure: {limit} {unit}</text></svg>')


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("studio")
    arguments.add_argument("--project", type=pathlib.Path)
    arguments.add_argument("--starts", type=int, default=3)
    arguments.add_argument("--idle-seconds", type=float, default=3)
    arguments.add_argument("--keys", type=int, default=60)
    arguments.add_argument("--edits", type=int, default=500)
    arguments.add_argument("--minutes", type=float, default=0)
    arguments.add_argument("--report", type=pathlib.Path)
    arguments = arguments.parse_args()
    screen, result = Screen(), {}
    place = pathlib.Path(tempfile.mkdtemp(prefix="studio-probe-"))
    project = arguments.project or place
    file = place / "text20k.rs"
    file.write_text(text_of_a_megabyte())
    try:
        walls, cpus = [], []
        for _ in range(arguments.starts):
            studio = Studio(arguments.studio, screen, place, [file])
            wall, cpu = studio.first_text()
            walls.append(wall * 1000)
            cpus.append(cpu * 1000)
            studio.end()
            time.sleep(0.2)
        result["first_text"] = {"wall_ms_median": round(statistics.median(walls), 1), "wall_ms_min": round(min(walls), 1),
                                "cpu_ms_median": round(statistics.median(cpus), 1), "cpu_ms_max": round(max(cpus), 1), "starts": len(walls)}

        # The file, the agent pane, a wave and the graph of the project: what somebody has open all day.
        # A probe that is ended leaves nothing among the sources.
        aside = project / "target" if (project / "target").is_dir() else project
        inside, wave = aside / file.name, aside / "text20k.vcd"
        if inside != file:
            shutil.copy(file, inside)
        wave.write_text(wave_of_a_job())
        studio = Studio(arguments.studio, screen, project, [wave, inside])
        studio.first_text()
        screen.key("F7")
        time.sleep(6)
        before = studio.cpu()
        time.sleep(arguments.idle_seconds)
        result["idle"] = {**studio.memory(), "cpu_ms": round((studio.cpu() - before) * 1000, 3), "seconds": arguments.idle_seconds}
        screen.key("Escape")
        screen.key("o", alt=True)
        screen.key("Escape")
        time.sleep(0.5)

        result["key_to_pixel"] = {}
        every = []
        for line in (1, LINES // 2, LINES):
            go_to(screen, line)
            times = key_to_pixel(studio, arguments.keys)
            every += times
            result["key_to_pixel"][str(line)] = {"ms_median": quantile(times, 0.5), "ms_p99": quantile(times, 0.99), "keys": len(times)}

        if arguments.report:
            arguments.report.mkdir(parents=True, exist_ok=True)
            screen.picture(arguments.report / "window.png")
        begin, rng, end = studio.memory(), random.Random(7), time.time() + 60 * arguments.minutes
        result["edits"] = 0
        while result["edits"] < arguments.edits or time.time() < end:
            if result["edits"] % 500 == 0:
                go_to(screen, rng.randrange(1, LINES))
            screen.key(rng.choice(["a", "b", "space", "Return", "BackSpace", "Left", "Up"]))
            result["edits"] += 1
            if result["edits"] % 50 == 0:
                screen.display.sync()
                time.sleep(0.02 if arguments.minutes == 0 else 0.25)
        time.sleep(3)
        now = studio.memory()
        result["growth"] = {"rss_mb": round(now["rss_mb"] - begin["rss_mb"], 1), "after_mb": now["rss_mb"], "keys": result.pop("edits")}
        if studio.process.poll() is not None:
            sys.exit("error: the studio has ended by itself")
        studio.end()
        wave.unlink()
        if inside != file:
            inside.unlink()
        if arguments.report:
            arguments.report.mkdir(parents=True, exist_ok=True)
            (arguments.report / "studio.json").write_text(json.dumps(result, indent=1) + "\n")
            plot(arguments.report / "first_text.svg", "exec to first text", "ms", walls, 200)
            plot(arguments.report / "first_text_cpu.svg", "processor until the first text", "ms", cpus, 60)
            plot(arguments.report / "key_to_pixel.svg", "key to pixel", "ms", every, 16)
        print(json.dumps(result))
    finally:
        screen.end()
        shutil.rmtree(place, ignore_errors=True)


if __name__ == "__main__":
    main()
