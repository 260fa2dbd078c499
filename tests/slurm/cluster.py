"""A SLURM cluster on this machine alone, for one test: munged, slurmctld and a slurmd for each of its nodes, with ports, keys
and folders of their own. Nothing that is installed here is changed, and several may run beside each other."""
import os
import pathlib
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import time

DAEMONS = ("munged", "slurmctld", "slurmd")
COMMANDS = ("sbatch", "squeue", "scontrol", "scancel", "srun")
SEARCH = "/usr/sbin:/sbin:/usr/local/sbin:" + os.environ.get("PATH", "")

# Jobs that requeue themselves begin anew once their credential has expired: seconds, not the usual two minutes.
# Numbers of jobs begin where no other such cluster's do: Open MPI names its shared memory by them.
# Nodes that were given more cores than the machine has let jobs run beside each other.
CONFIGURATION = """
ClusterName=callosum
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
FirstJobId={controller_port}00
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket,cred_expire={expire_s}
CredType=cred/munge
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=sched_interval=2,bf_interval=2,batch_sched_delay=1
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool_%n
TmpFS={folder}/tmp_%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd_%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd_%n.log
SlurmdParameters=config_overrides
ReturnToService=2
KillWait=30
MinJobAge=3600
MailProg=/bin/true
GresTypes=gpu
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
JobCompType=jobcomp/none
PartitionName=test Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""
NODE = "NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs={cores} Gres=gpu:{gpus} State=UNKNOWN\n"


def missing():
    """What of SLURM is not here; nothing where all is."""
    absent = [name for name in DAEMONS + COMMANDS if not shutil.which(name, path=SEARCH)]
    if absent:
        return f"SLURM is not installed (no {', '.join(absent)}): jobs/setup.sh does that"
    if os.geteuid() != 0:
        return "a cluster of one's own is started as root"
    return ""


def free_ports(count):
    held = []
    for _ in range(count):
        s = socket.socket()
        s.bind(("127.0.0.1", 0))
        held.append(s)
    ports = [s.getsockname()[1] for s in held]
    for s in held:
        s.close()
    return ports


def remains(configuration):
    """Processes of a cluster: its daemons, and all that they started."""
    found, mark = [], f"SLURM_CONF={configuration}".encode()
    for entry in pathlib.Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and mark in (entry / "environ").read_bytes().split(b"\0"):
                found.append(int(entry.name))
        except OSError:
            pass  # ended meanwhile
    return found


def guard(configuration):
    """A process of its own: once the test has ended, however it did, nothing of its cluster is left."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    sys.stdin.read()
    while pids := remains(configuration):
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        time.sleep(0.2)


class Cluster:
    """with Cluster(folder) as cluster: ... cluster.sbatch(...) ... Everything ends with the block."""

    def __init__(self, folder, nodes=2, cores=12, gpus=2):
        self.folder = pathlib.Path(folder)
        self.nodes = [f"node{i}" for i in range(1, nodes + 1)]
        self.cores, self.gpus, self.running, self.guard = cores, gpus, [], None
        self.configuration = self.folder / "slurm.conf"
        self.own = {"SLURM_CONF": str(self.configuration), "PATH": SEARCH}
        self.environment = {**os.environ, **self.own}

    def __enter__(self):
        try:
            self._begin()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *_):
        self._end()

    def _daemon(self, name, *arguments, log=None, **options):
        with open(self.folder / f"{log or name}.out", "w", encoding="utf-8") as stream:
            process = subprocess.Popen([shutil.which(name, path=SEARCH), *map(str, arguments)], env=self.environment,
                                       stdin=subprocess.DEVNULL, stdout=stream, stderr=subprocess.STDOUT, start_new_session=True,
                                       **options)
        self.running.append((name, process))
        return process

    def _munge(self):
        """munged will not run as root; its folders may be written by nobody else."""
        place = self.folder / "munge"
        place.mkdir()
        (place / "key").write_bytes(os.urandom(128))
        (place / "key").chmod(0o600)
        user = pwd.getpwnam("munge")
        for path in (place, place / "key"):
            os.chown(path, user.pw_uid, user.pw_gid)
        files = [f"--{option}={place}/{name}" for option, name in (("key-file", "key"), ("socket", "socket"), ("pid-file", "pid"),
                                                                   ("log-file", "log"), ("seed-file", "seed"))]
        self._daemon("munged", "--foreground", "--num-threads=2", *files, user="munge", group="munge", extra_groups=[])
        self._wait(lambda: (place / "socket").exists(), "socket of munged")

    def _begin(self):
        self.folder.mkdir(mode=0o755)
        # The guard's own environment does not name the cluster.
        self.guard = subprocess.Popen([sys.executable, __file__, str(self.configuration)], stdin=subprocess.PIPE,
                                      start_new_session=True)
        for name in ("state", *(f"{kind}_{node}" for node in self.nodes for kind in ("spool", "tmp"))):
            (self.folder / name).mkdir(mode=0o755)
        for i in range(self.gpus):
            os.mknod(self.folder / f"nvidia{i}", 0o20666, os.makedev(1, 3))
        self._munge()
        controller, *ports = free_ports(1 + len(self.nodes))
        host = socket.gethostname().split(".")[0]
        text = CONFIGURATION.format(host=host, folder=self.folder, controller_port=controller, expire_s=10)
        for name, port in zip(self.nodes, ports):
            text += NODE.format(name=name, host=host, port=port, cores=self.cores, gpus=self.gpus)
        self.configuration.write_text(text, encoding="utf-8")
        devices = f"Name=gpu Flags=nvidia_gpu_env File={self.folder}/nvidia[0-{self.gpus - 1}]\n"
        (self.folder / "gres.conf").write_text(f"NodeName={','.join(self.nodes)} {devices}", encoding="utf-8")
        self._daemon("slurmctld", "-D", "-f", self.configuration)
        for name in self.nodes:
            self._daemon("slurmd", "-D", "-N", name, "-f", self.configuration, log=name)
        self._wait(self._idle, "nodes that are up")

    def _idle(self):
        return len(re.findall(r"State=IDLE\s", self.command("scontrol", "show", "node").stdout)) == len(self.nodes)

    def _wait(self, condition, what, seconds=60):
        limit = time.monotonic() + seconds
        while not condition():
            ended = [name for name, process in self.running if process.poll() is not None]
            if ended or time.monotonic() > limit:
                raise RuntimeError(f"SLURM: no {what} after {seconds} s ({ended} ended)\n{self.logs()}")
            time.sleep(0.2)

    def logs(self):
        paths = [*self.folder.glob("*.log"), *self.folder.glob("*.out")]
        return "\n".join(f"---- {path}\n{path.read_text(encoding='utf-8', errors='replace')[-3000:]}" for path in paths)

    def _end(self):
        """Jobs first, so that none is left without its daemons."""
        names = [name for name, _ in self.running]
        if "slurmd" in names:
            self.command("scancel", "--full", "--user", "root", timeout=20)
            limit = time.monotonic() + 30
            while time.monotonic() < limit and self.command("squeue", "--noheader", timeout=20).stdout.strip():
                time.sleep(0.5)
        for _, process in reversed(self.running):
            process.send_signal(signal.SIGTERM)
        for _, process in reversed(self.running):
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if self.guard:
            self.guard.stdin.close()
            self.guard.wait(60)

    def command(self, *words, timeout=60, environment=None):
        """Runs a command of SLURM for this cluster, in an environment of its own where one is given."""
        around = {**(self.environment if environment is None else environment), **self.own}
        try:
            return subprocess.run([*map(str, words)], env=around, capture_output=True, text=True, timeout=timeout, check=False,
                                  stdin=subprocess.DEVNULL)
        except subprocess.TimeoutExpired as error:
            return subprocess.CompletedProcess(error.cmd, 124, "", "timed out")


if __name__ == "__main__":
    guard(sys.argv[1])
