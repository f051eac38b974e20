#!/usr/bin/env bash
# Plays 100 bandit problems of 1,000 steps with every agent of the table on five seeds and writes one row a run: with tuned
# settings, and with those of the paper (the defaults). ep_regret_mean and ep_rew_mean are those of the 100 training
# episodes; the evaluation plays 100 other problems.
# Usage: experiments/baselines/bandits.sh [output.csv] [folder for the runs]
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
output=${1:-$root/experiments/baselines/bandits.csv}
runs=${2:-$(mktemp -d)}

echo "agent,env,settings,seed,steps,sps,ep_regret_mean,ep_rew_mean,eval_mean_reward,eval_std_reward,eval_episodes" >"$output"
while read -r agent env settings options; do
  for seed in 0 1 2 3 4; do
    # shellcheck disable=SC2086  # options are words
    "$root/corvid" train --agent "$agent" --env "$env" --seed "$seed" --num-envs 100 --total-timesteps 100000 $options \
      --log-dir "$runs" --name "$settings" --overwrite --quiet --json </dev/null |
      python3 -c "
import csv, json, sys
run = json.loads(sys.stdin.readlines()[-1])
with open(run['run_dir'] + '/progress.csv', newline='') as file:
    last = list(csv.DictReader(file))[-1]
print('$agent', '$env', '$settings', run['seed'], run['steps'], round(run['sps']),
      round(float(last['rollout/ep_regret_mean']), 2), round(float(last['rollout/ep_rew_mean']), 2),
      round(run['eval_mean_reward'], 3), round(run['eval_std_reward'], 3), run['eval_episodes'], sep=',')" | tee -a "$output"
  done
done <<'TABLE'
random Bandit/Bernoulli-v0 none
epsilon_greedy Bandit/Bernoulli-v0 paper --tuned=false
epsilon_greedy Bandit/Bernoulli-v0 tuned
ucb1 Bandit/Bernoulli-v0 paper --tuned=false
ucb1 Bandit/Bernoulli-v0 tuned
thompson Bandit/Bernoulli-v0 paper --tuned=false
gradient_bandit Bandit/Bernoulli-v0 paper --tuned=false
gradient_bandit Bandit/Bernoulli-v0 tuned
random Bandit/Gaussian-v0 none
epsilon_greedy Bandit/Gaussian-v0 paper --tuned=false
ucb1 Bandit/Gaussian-v0 paper --tuned=false
ucb1 Bandit/Gaussian-v0 tuned
thompson Bandit/Gaussian-v0 paper --tuned=false --set posterior=gaussian
gradient_bandit Bandit/Gaussian-v0 paper --tuned=false
gradient_bandit Bandit/Gaussian-v0 tuned
random Bandit/LinearContextual-v0 none
epsilon_greedy Bandit/LinearContextual-v0 paper --tuned=false --set ignore_observations=true
lin_ucb Bandit/LinearContextual-v0 paper --tuned=false
lin_ucb Bandit/LinearContextual-v0 tuned
TABLE
