#!/usr/bin/env bash
# Trains every tabular agent of the table on five seeds with its tuned settings and writes one row a run. Planners come first:
# their rows are what the same evaluation episodes are worth at best.
# Usage: experiments/baselines/tabular.sh [output.csv] [folder for the runs]
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
output=${1:-$root/experiments/baselines/tabular.csv}
runs=${2:-$(mktemp -d)}

echo "agent,env,seed,steps,sps,eval_mean_reward,eval_std_reward,eval_episodes" >"$output"
while read -r agent envs; do
  for env in $envs; do
    for seed in 0 1 2 3 4; do
      "$root/corvid" train --agent "$agent" --env "$env" --seed "$seed" --n-final-eval-episodes 1000 --log-dir "$runs" \
        --name baseline --overwrite --quiet --json |
        python3 -c "
import json, sys
run = json.loads(sys.stdin.readlines()[-1])
print('$agent', '$env', run['seed'], run['steps'], round(run['sps']), round(run['eval_mean_reward'], 3),
      round(run['eval_std_reward'], 3), run['eval_episodes'], sep=',')" | tee -a "$output"
    done
  done
done <<'TABLE'
value_iteration FrozenLake-v1 FrozenLake8x8-v1 Taxi-v4 CliffWalking-v1 CliffWalkingSlippery-v1
policy_iteration FrozenLake-v1 FrozenLake8x8-v1 Taxi-v4 CliffWalking-v1 CliffWalkingSlippery-v1
q_learning FrozenLake-v1 FrozenLake8x8-v1 Taxi-v4 CliffWalking-v1 CliffWalkingSlippery-v1 Blackjack-v1
double_q_learning FrozenLake-v1 FrozenLake8x8-v1 Taxi-v4 CliffWalking-v1 CliffWalkingSlippery-v1 Blackjack-v1
expected_sarsa FrozenLake-v1 FrozenLake8x8-v1 Taxi-v4 CliffWalking-v1 CliffWalkingSlippery-v1 Blackjack-v1
sarsa FrozenLake-v1 FrozenLake8x8-v1 Taxi-v4 CliffWalking-v1 CliffWalkingSlippery-v1 Blackjack-v1
sarsa_lambda FrozenLake-v1 FrozenLake8x8-v1 Taxi-v4 CliffWalking-v1 CliffWalkingSlippery-v1 Blackjack-v1
n_step_sarsa FrozenLake-v1 FrozenLake8x8-v1 Taxi-v4 CliffWalking-v1 CliffWalkingSlippery-v1 Blackjack-v1
monte_carlo FrozenLake-v1 FrozenLake8x8-v1 Taxi-v4 CliffWalking-v1 Blackjack-v1
dyna_q FrozenLake-v1 FrozenLake8x8-v1 Taxi-v4 CliffWalking-v1 CliffWalkingSlippery-v1 Blackjack-v1
TABLE
