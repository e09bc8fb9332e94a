# A Slurm of one machine with four processors, on loopback and as root, for as long as a command takes: cluster.sh COMMAND ARGS..
# Its files lie in a folder of its own, its daemons are stopped by their process ids. Ends with 77 where there is no Slurm.
set -u
PATH=$PATH:/usr/sbin:/sbin
for program in munged slurmctld slurmd srun; do
    command -v $program >/dev/null || { echo "no $program (Debian: slurm-wlm munge)" >&2; exit 77; }
done
[ "$(id -u)" = 0 ] || { echo "not root" >&2; exit 77; }

folder=$(mktemp -d)
chmod 755 "$folder"
pids=
stop() {
    # The newest first: the controller lets go of its node.
    for pid in $pids; do
        kill "$pid" 2>/dev/null
        wait "$pid" 2>/dev/null
    done
    rm -rf "$folder"
}
trap stop EXIT
trap 'exit 1' HUP INT TERM

start() {
    "$@" >>"$folder/daemons.log" 2>&1 &
    pids="$! $pids"
}

dd if=/dev/urandom of="$folder/key" bs=128 count=1 2>/dev/null
chmod 400 "$folder/key"
start munged --foreground --force --key-file="$folder/key" --socket="$folder/munge.socket" \
    --pid-file="$folder/munged.pid" --log-file="$folder/munged.log" --seed-file="$folder/munged.seed"

node=$(hostname -s)
# Two clusters at the same time have ports of their own.
port=$((20000 + $$ % 10000 * 2))
export SLURM_CONF="$folder/slurm.conf"
cat >"$SLURM_CONF" <<END
ClusterName=hprof
SlurmctldHost=$node(127.0.0.1)
SlurmctldPort=$port
SlurmdPort=$((port + 1))
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$folder/munge.socket
CredType=cred/munge
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SlurmdParameters=config_overrides
ReturnToService=2
NodeName=$node NodeAddr=127.0.0.1 CPUs=4 State=UNKNOWN
PartitionName=all Nodes=$node Default=YES State=UP
END
mkdir "$folder/state" "$folder/spool"
start slurmctld -D -i
start slurmd -D -N "$node"

tries=0
until timeout 10 srun -n 1 true 2>>"$folder/daemons.log"; do
    tries=$((tries + 1))
    if [ $tries -gt 6 ]; then
        echo "Slurm does not start:" >&2
        tail -n 20 "$folder"/*.log >&2
        exit 1
    fi
    sleep 0.5
done
"$@"
