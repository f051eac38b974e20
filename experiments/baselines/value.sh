#!/usr/bin/env bash
# Trains every value-function agent of the table on five seeds with its tuned settings and writes one row a run. Every
# evaluation during the training has 100 episodes; the best of them and the last one are kept.
# Usage: experiments/baselines/value.sh [output.csv] [folder for the runs]
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
output=${1:-$root/experiments/baselines/value.csv}
runs=${2:-$(mktemp -d)}

echo "agent,env,seed,steps,sps,best_eval_mean_reward,eval_mean_reward,eval_std_reward,eval_episodes" >"$output"
while read -r agent env; do
  for seed in 0 1 2 3 4; do
    "$root/corvid" train --agent "$agent" --env "$env" --seed "$seed" --n-eval-episodes 100 --log-dir "$runs" \
      --name baseline --overwrite --quiet --json |
      python3 -c "
import json, sys
run = json.loads(sys.stdin.readlines()[-1])
print('$agent', '$env', run['seed'], run['steps'], round(run['sps']), round(run['best_eval_mean_reward'], 3),
      round(run['eval_mean_reward'], 3), round(run['eval_std_reward'], 3), run['eval_episodes'], sep=',')" | tee -a "$output"
  done
done <<'TABLE'
dqn CartPole-v1
dqn Acrobot-v1
dqn MountainCar-v0
qrdqn CartPole-v1
qrdqn Acrobot-v1
c51 CartPole-v1
iqn CartPole-v1
rainbow CartPole-v1
munchausen_dqn CartPole-v1
pqn CartPole-v1
recurrent_dqn CartPoleNoVel-v1
TABLE
