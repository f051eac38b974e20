#!/usr/bin/env bash
# Trains every agent of the table on five seeds with its tuned settings and writes one row a run.
# Usage: experiments/baselines/policy_gradient.sh [output.csv] [folder for the runs]
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
output=${1:-$root/experiments/baselines/policy_gradient.csv}
runs=${2:-$(mktemp -d)}

echo "agent,env,seed,steps,sps,eval_mean_reward,eval_std_reward,eval_episodes" >"$output"
while read -r agent env; do
  for seed in 0 1 2 3 4; do
    "$root/corvid" train --agent "$agent" --env "$env" --seed "$seed" --log-dir "$runs" --name baseline --overwrite --quiet --json |
      python3 -c "
import json, sys
run = json.loads(sys.stdin.readlines()[-1])
print('$agent', '$env', run['seed'], run['steps'], round(run['sps']), round(run['eval_mean_reward'], 3),
      round(run['eval_std_reward'], 3), run['eval_episodes'], sep=',')" | tee -a "$output"
  done
done <<'TABLE'
ppo CartPole-v1
ppo Acrobot-v1
ppo Pendulum-v1
ppo MountainCar-v0
a2c CartPole-v1
reinforce CartPole-v1
TABLE
