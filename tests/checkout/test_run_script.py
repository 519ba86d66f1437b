"""The scripts `run` and `.ci/setup.sh`, on a copy whose Python and Debian tools are stand-ins."""

import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from peers import require

REPOSITORY = Path(__file__).resolve().parents[2]

# As `python3` it makes a virtual environment out of itself; as pip it installs a `sidegate`.
PYTHON = r"""#!/bin/sh
echo "python $*" >>"$LOG"
case "$1 $2" in
"-m venv") mkdir -p "$3/bin" && cp "$0" "$3/bin/python3" ;;
"-m pip")
    sleep "${PIP_SECONDS:-0}"
    [ -z "${PIP_FAILS:-}" ] || exit 1
    cp "$SIDEGATE" "${0%/*}/sidegate" ;;
esac
"""
SIDEGATE = r"""#!/bin/sh
for argument in "$@"; do echo "[$argument]"; done
[ "$1" != read ] || cat
"""
APT_GET = r"""#!/bin/sh
echo "apt-get $*" >>"$LOG"
case "$*" in *" -s "*) exit 0 ;; esac
echo "policy: $("$POLICY"; echo $?)" >>"$LOG"
touch "$0.started"
sleep "${APT_SECONDS:-0}"
[ -z "${APT_FAILS:-}" ] || exit 100
mkdir -p "$DOVECOT" && cp "$0" "$DOVECOT/imap"
echo 'ii dovecot-imapd' >>"$PACKAGES"
"""
DPKG_L = "/.\n/lib/systemd/system/dovecot.service\n/lib/systemd/system/x@.service\n/etc/x.service\n"


class Checkout:
    """A copy of the scripts, with stand-ins for what they call."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "a checkout"
        self.tools = folder / "tools"
        self.log = folder / "log"
        self.policy = folder / "policy-rc.d"
        self.dovecot = folder / "dovecot"
        self.protocols = folder / "protocols.d"
        self.environment = {
            "PATH": f"{self.tools}:/usr/bin:/bin",
            "LOG": str(self.log),
            "SIDEGATE": str(self.tools / "sidegate"),
            "POLICY": str(self.policy),
            "DOVECOT": str(self.dovecot),
            "PACKAGES": str(folder / "packages"),
        }
        self._copy(folder)
        self._make_tools(folder)

    def _copy(self, folder: Path) -> None:
        (self.folder / ".ci").mkdir(parents=True)
        (self.folder / "src/sidegate").mkdir(parents=True)
        for path in REPOSITORY.glob("requirements*"):
            shutil.copy(path, self.folder)
        for name in ("run", "pyproject.toml", "setup.py"):
            shutil.copy(REPOSITORY / name, self.folder)
        script = (REPOSITORY / ".ci/setup.sh").read_text()
        for old, new in (
            ("/usr/sbin/policy-rc.d", f'"{self.policy}"'),
            ("/usr/share/dovecot/protocols.d", f'"{self.protocols}"'),
            ("/run/sidegate-setup.lock", str(folder / "machine-lock")),
            ("imapd:/usr/lib/dovecot/imap", f"imapd:{self.dovecot}/imap"),
            ("core:/usr/sbin/dovecot", "core:/bin/sh"),
            ("/usr/lib/dovecot/", "/bin/true/../"),
        ):
            assert old in script
            script = script.replace(old, new)
        script = script.replace("/bin/true/../pop3", "/bin/sh")
        script = script.replace("/bin/true/../submission", "/bin/sh")
        script = script.replace("/bin/true/../lmtp", "/bin/sh")
        (self.folder / ".ci/setup.sh").write_text(script)

    def _make_tools(self, folder: Path) -> None:
        self.tools.mkdir()
        (folder / "packages").write_text("ii base-files\n")
        log = 'echo "${0##*/} $*" >>"$LOG"\n'
        for name, text in {
            "python3": PYTHON,
            "sidegate": SIDEGATE,
            "apt-get": APT_GET,
            "dpkg": f"#!/bin/sh\n{log}[ \"$1\" != -L ] || printf '{DPKG_L}'\n",
            "dpkg-query": '#!/bin/sh\ncat "$PACKAGES"\n',
            "systemctl": f"#!/bin/sh\n{log}",
        }.items():
            self.tool(name, text)
        self.become(0)
        self.dovecot.mkdir()
        self.tool("../dovecot/imap", "#!/bin/sh\n")

    def tool(self, name: str, text: str) -> None:
        (self.tools / name).write_text(text)
        (self.tools / name).chmod(0o755)

    def become(self, user: int) -> None:
        self.tool("id", f'#!/bin/sh\n[ "$1" = -u ] && echo {user} || echo someone\n')

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [self.folder / "run", *arguments],
            cwd="/",
            env=self.environment | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, given: str = "", **environment: str) -> tuple[int, str, str]:
        process = self.start(*arguments, **environment)
        out, error = process.communicate(given, timeout=30)
        return process.returncode, out, error

    def calls(self, start: str) -> list[str]:
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return [line for line in lines if line.startswith(start)]


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


@pytest.mark.parametrize("name", ["run", "test", ".ci/setup.sh", ".ci/pin"])
def test_dash_can_read_the_script(name: str) -> None:
    subprocess.run([require("dash"), "-n", REPOSITORY / name], check=True)


def test_first_run_sets_up_and_serves(checkout: Checkout) -> None:
    status, out, error = checkout.run()
    assert (status, out) == (0, "[serve]\n")
    assert "Installing Python packages." in error
    pip = checkout.calls("python -m pip")
    assert "--require-hashes" in pip[0]
    assert "--no-deps --no-build-isolation" in pip[1]
    assert not checkout.calls("apt-get")


def test_later_run_sets_up_nothing(checkout: Checkout) -> None:
    checkout.run()
    before = checkout.log.read_text()
    started = time.monotonic()
    assert checkout.run("account", "two words", "") == (0, "[account]\n[two words]\n[]\n", "")
    assert time.monotonic() - started < 0.3
    assert checkout.log.read_text() == before


def test_input_reaches_the_command(checkout: Checkout) -> None:
    assert checkout.run("read", given="secret\n")[1] == "[read]\nsecret\n"


def test_two_first_runs_at_once(checkout: Checkout) -> None:
    both = [checkout.start("one", PIP_SECONDS="0.5"), checkout.start("two", PIP_SECONDS="0.5")]
    results = [process.communicate(timeout=30) for process in both]
    assert [out for out, _ in results] == ["[one]\n", "[two]\n"]
    assert sum("Waiting for another set-up" in error for _, error in results) == 1
    assert len(checkout.calls("python -m venv")) == 1


def test_unfinished_set_up_is_made_anew(checkout: Checkout) -> None:
    status, out, error = checkout.run(PIP_FAILS="1")
    assert (status, out) == (1, "")
    assert "could not be installed" in error
    assert checkout.run()[:2] == (0, "[serve]\n")
    assert len(checkout.calls("python -m venv")) == 2


def test_changed_requirements_are_installed(checkout: Checkout) -> None:
    checkout.run()
    with (checkout.folder / "requirements.txt").open("a") as file:
        file.write("# changed\n")
    assert checkout.run()[0] == 0
    assert len(checkout.calls("python -m venv")) == 1
    assert len(checkout.calls("python -m pip install -q")) == 4


def test_moved_checkout_gets_a_new_environment(checkout: Checkout) -> None:
    checkout.run()
    checkout.folder = checkout.folder.rename(checkout.folder.with_name("elsewhere"))
    assert checkout.run()[:2] == (0, "[serve]\n")
    assert len(checkout.calls("python -m venv")) == 2


def test_without_root_one_line_names_what_is_missing(checkout: Checkout) -> None:
    checkout.become(1000)
    shutil.rmtree(checkout.dovecot)
    status, out, error = checkout.run()
    assert (status, out) == (1, "")
    wanted = "apt-get install --no-install-recommends dovecot-imapd"
    assert [line.strip() for line in error.splitlines() if wanted in line] == [error.strip()]
    assert not checkout.calls("apt-get")


@pytest.mark.parametrize("arguments", [["connect", "dovecot"], ["serve", "--only", "portal"]])
def test_what_needs_no_dovecot_asks_for_none(checkout: Checkout, arguments: list[str]) -> None:
    shutil.rmtree(checkout.dovecot)
    assert checkout.run(*arguments)[0] == 0
    assert not checkout.calls("apt-get")


def test_packages_come_without_their_services(checkout: Checkout) -> None:
    shutil.rmtree(checkout.dovecot)
    checkout.policy.symlink_to("nowhere")  # dangling, as some images have it
    status, out, _ = checkout.run()
    assert (status, out) == (0, "[serve]\n")
    assert "--no-install-recommends" in checkout.calls("apt-get")[-1]
    assert checkout.calls("policy") == ["policy: 101"]
    assert checkout.calls("systemctl") == ["systemctl --quiet disable dovecot.service"]
    assert checkout.policy.readlink() == Path("nowhere")


def test_failed_installation_restores_the_policy(checkout: Checkout) -> None:
    shutil.rmtree(checkout.dovecot)
    checkout.policy.write_text("#!/bin/sh\nexit 0\n")
    checkout.policy.chmod(0o700)
    status, _, error = checkout.run(APT_FAILS="1")
    assert status == 1
    assert "could not be installed" in error
    assert checkout.policy.read_text() == "#!/bin/sh\nexit 0\n"
    assert checkout.policy.stat().st_mode & 0o777 == 0o700


def test_ended_installation_restores_the_policy(checkout: Checkout) -> None:
    shutil.rmtree(checkout.dovecot)
    process = checkout.start(APT_SECONDS="0.5")
    while not (checkout.tools / "apt-get.started").exists():
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert process.returncode == 128 + signal.SIGTERM
    assert not checkout.policy.exists()


def test_killed_installation_is_finished_later(checkout: Checkout) -> None:
    shutil.rmtree(checkout.dovecot)
    checkout.policy.write_text("theirs")
    process = checkout.start(APT_SECONDS="0.2")
    while not (checkout.tools / "apt-get.started").exists():
        time.sleep(0.01)
    process.kill()
    process.communicate(timeout=30)
    assert "by Sidegate" in checkout.policy.read_text()
    status, _, error = checkout.run()
    assert status == 0
    assert "interrupted installation" in error
    assert checkout.calls("dpkg --configure -a")
    assert checkout.calls("systemctl") == ["systemctl --quiet disable dovecot.service"]
    assert checkout.policy.read_text() == "theirs"


def test_dovecot_that_was_here_keeps_its_protocols(checkout: Checkout) -> None:
    shutil.rmtree(checkout.dovecot)
    packages = Path(checkout.environment["PACKAGES"])
    packages.write_text("ii dovecot-core\nii dovecot-pop3d\n")
    checkout.protocols.mkdir()
    assert checkout.run()[0] == 0
    off = {path.name: str(path.readlink()) for path in checkout.protocols.iterdir()}
    names = ("imapd.protocol", "submissiond.protocol", "lmtpd.protocol")
    assert off == dict.fromkeys(names, "/dev/null")


def test_checkout_that_cannot_be_written(checkout: Checkout) -> None:
    (checkout.folder / ".cache").touch()  # a file in the way stops root too
    status, _, error = checkout.run()
    assert status == 1
    assert f"someone cannot write to {checkout.folder}" in error
