"""PPO on CartPole-v1 as one XLA program: environment, rollout, advantages and updates are compiled together.

usage: xla_ppo.py ppo-cartpole-cleanrl|ppo-cartpole-zoo|ppo-cartpole-wide [--seed N] [--steps N]
No Python runs between the first step and the last, which makes this the fastest CPU peer known for small networks.
The program is compiled before it is timed; `compile_seconds` says how long that took.
"""

import time
import typing

import jax
import jax.numpy as jnp
import optax

import report


class Settings(typing.NamedTuple):
    num_envs: int
    n_steps: int
    n_epochs: int
    num_minibatches: int
    gamma: float
    gae_lambda: float
    learning_rate: float  # falls linearly to 0
    clip_linear: bool     # the clip range of 0.2 falls linearly to 0 as well
    ent_coef: float
    clip_values: bool     # CleanRL's value loss: clipped, and halved
    total_steps: int


WORKLOADS = {
    "ppo-cartpole-cleanrl": Settings(4, 128, 4, 4, 0.99, 0.95, 2.5e-4, False, 0.01, True, 500_000),
    "ppo-cartpole-zoo": Settings(8, 32, 20, 1, 0.98, 0.8, 1e-3, True, 0.0, False, 100_000),
    "ppo-cartpole-wide": Settings(64, 128, 4, 4, 0.99, 0.95, 2.5e-4, False, 0.01, False, 1_000_000),
}
CLIP_RANGE, VF_COEF, MAX_GRAD_NORM = 0.2, 0.5, 0.5
EPISODE_LIMIT = 500
EVAL_EPISODES = 20


# ---- CartPole; a state is [..., 4]: position, velocity, angle, angular velocity --------------------------------------


def cartpole_step(state, action):
    """Gymnasium's equations of motion with its Euler step; returns the next state and whether the pole fell."""
    position, velocity, angle, spin = jnp.moveaxis(state, -1, 0)
    push = 20.0 * action - 10.0
    sine, cosine = jnp.sin(angle), jnp.cos(angle)
    drive = (push + 0.05 * spin * spin * sine) / 1.1
    spin_rate = (9.8 * sine - cosine * drive) / (0.5 * (4.0 / 3.0 - 0.1 * cosine * cosine / 1.1))
    cart_rate = drive - 0.05 * spin_rate * cosine / 1.1
    rates = jnp.stack([velocity, cart_rate, spin, spin_rate], axis=-1)
    state = state + 0.02 * rates
    return state, (jnp.abs(state[..., 0]) > 2.4) | (jnp.abs(state[..., 2]) > 12 * 2 * jnp.pi / 360)


def fresh_states(key, shape):
    return jax.random.uniform(key, (*shape, 4), minval=-0.05, maxval=0.05)


# ---- Networks: 64-64 tanh, one for the policy and one for the value -------------------------------------------------


def new_network(key, num_outputs, last_gain):
    layers = []
    for fan_in, fan_out, gain in ((4, 64, 2**0.5), (64, 64, 2**0.5), (64, num_outputs, last_gain)):
        key, layer_key = jax.random.split(key)
        weight = jax.nn.initializers.orthogonal(gain)(layer_key, (fan_in, fan_out))
        layers.append({"weight": weight, "bias": jnp.zeros(fan_out)})
    return layers


def apply_network(layers, x):
    for layer in layers[:-1]:
        x = jnp.tanh(x @ layer["weight"] + layer["bias"])
    return x @ layers[-1]["weight"] + layers[-1]["bias"]


def value_of(params, obs):
    return apply_network(params["value"], obs)[..., 0]


def log_prob_of(log_probs, action):
    return jnp.take_along_axis(log_probs, action[..., None], axis=-1)[..., 0]


# ---- PPO ------------------------------------------------------------------------------------------------------------


def ppo_loss(params, batch, clip_range, settings):
    log_probs = jax.nn.log_softmax(apply_network(params["policy"], batch["obs"]))
    ratio = jnp.exp(log_prob_of(log_probs, batch["action"]) - batch["log_prob"])
    advantage = batch["advantage"]
    advantage = (advantage - advantage.mean()) / (advantage.std() + 1e-8)
    clipped = jnp.clip(ratio, 1 - clip_range, 1 + clip_range)
    policy_loss = -jnp.minimum(ratio * advantage, clipped * advantage).mean()
    value = value_of(params, batch["obs"])
    error = (value - batch["return"]) ** 2
    if settings.clip_values:
        near = batch["value"] + jnp.clip(value - batch["value"], -CLIP_RANGE, CLIP_RANGE)
        error = 0.5 * jnp.maximum(error, (near - batch["return"]) ** 2)
    entropy = -(jnp.exp(log_probs) * log_probs).sum(-1).mean()
    return policy_loss + VF_COEF * error.mean() - settings.ent_coef * entropy


def make_training(settings):
    """The whole training as a function of a seed; gives the networks and the mean return of each rollout's episodes."""
    rollout_size = settings.num_envs * settings.n_steps
    num_updates = settings.total_steps // rollout_size
    steps_per_update = settings.n_epochs * settings.num_minibatches

    def fraction_left(update):
        return 1.0 - update / num_updates

    optimizer = optax.chain(
        optax.clip_by_global_norm(MAX_GRAD_NORM),
        optax.adam(lambda count: settings.learning_rate * fraction_left(count // steps_per_update), eps=1e-5))

    def collect(params, state, age, key):
        """One rollout; its random numbers are drawn at once, which is much cheaper than drawing them step by step."""
        shape = (settings.n_steps, settings.num_envs)
        noise_key, reset_key = jax.random.split(key)
        noise = jax.random.gumbel(noise_key, (*shape, 2))

        def step(carry, drawn):
            state, age = carry
            log_probs = jax.nn.log_softmax(apply_network(params["policy"], state))
            action = jnp.argmax(log_probs + drawn["noise"], axis=-1)
            reached, fell = cartpole_step(state, action)
            age = age + 1
            ended = fell | (age >= EPISODE_LIMIT)
            row = {"obs": state, "action": action, "log_prob": log_prob_of(log_probs, action), "ended": ended,
                   "episode_return": jnp.where(ended, age, 0)}
            return (jnp.where(ended[:, None], drawn["fresh"], reached), jnp.where(ended, 0, age)), row

        drawn = {"noise": noise, "fresh": fresh_states(reset_key, shape)}
        (state, age), rows = jax.lax.scan(step, (state, age), drawn)
        return state, age, rows

    def add_advantages(params, rows, last_state):
        value, last_value = value_of(params, rows["obs"]), value_of(params, last_state)
        keep = 1.0 - rows["ended"]

        def backwards(carry, row):
            advantage, next_value = carry
            delta = 1.0 + settings.gamma * next_value * row["keep"] - row["value"]
            advantage = delta + settings.gamma * settings.gae_lambda * row["keep"] * advantage
            return (advantage, row["value"]), advantage

        start = (jnp.zeros_like(last_value), last_value)
        _, advantage = jax.lax.scan(backwards, start, {"keep": keep, "value": value}, reverse=True)
        batch = {name: rows[name] for name in ("obs", "action", "log_prob")}
        batch.update({"value": value, "advantage": advantage, "return": advantage + value})
        return jax.tree.map(lambda x: x.reshape(rollout_size, *x.shape[2:]), batch)

    def learn(params, moments, data, clip_range, key):
        def minibatch(carry, batch):
            params, moments = carry
            gradient = jax.grad(ppo_loss)(params, batch, clip_range, settings)
            change, moments = optimizer.update(gradient, moments, params)
            return (optax.apply_updates(params, change), moments), None

        def epoch(carry, key):
            order = jax.random.permutation(key, rollout_size)
            shuffled = jax.tree.map(lambda x: x[order].reshape(settings.num_minibatches, -1, *x.shape[1:]), data)
            return jax.lax.scan(minibatch, carry, shuffled)[0], None

        return jax.lax.scan(epoch, (params, moments), jax.random.split(key, settings.n_epochs))[0]

    def train(seed):
        policy_key, value_key, state_key, key = jax.random.split(jax.random.PRNGKey(seed), 4)
        params = {"policy": new_network(policy_key, 2, 0.01), "value": new_network(value_key, 1, 1.0)}

        def update(carry, index):
            params, moments, state, age = carry
            rollout_key, learn_key = jax.random.split(jax.random.fold_in(key, index))
            state, age, rows = collect(params, state, age, rollout_key)
            data = add_advantages(params, rows, state)
            clip_range = CLIP_RANGE * (fraction_left(index) if settings.clip_linear else 1.0)
            params, moments = learn(params, moments, data, clip_range, learn_key)
            return (params, moments, state, age), (rows["episode_return"].sum(), rows["ended"].sum())

        start = (params, optimizer.init(params), fresh_states(state_key, (settings.num_envs,)),
                 jnp.zeros(settings.num_envs, jnp.int32))
        (params, *_), episodes = jax.lax.scan(update, start, jnp.arange(num_updates))
        return params, episodes

    return train, num_updates * rollout_size


@jax.jit
def evaluate(params, seed):
    """Mean return of the most likely actions."""
    def step(carry, _):
        state, alive = carry
        action = jnp.argmax(apply_network(params["policy"], state), axis=-1)
        state, fell = cartpole_step(state, action)
        return (state, alive & ~fell), alive

    start = fresh_states(jax.random.PRNGKey(seed), (EVAL_EPISODES,)), jnp.ones(EVAL_EPISODES, bool)
    return jax.lax.scan(step, start, None, EPISODE_LIMIT)[1].sum(0).mean()


def main():
    arguments = report.arguments(__doc__, WORKLOADS)
    settings = WORKLOADS[arguments.workload]
    if arguments.steps:
        settings = settings._replace(total_steps=arguments.steps)
    train, steps = make_training(settings)
    start = time.perf_counter()
    program = jax.jit(train).lower(arguments.seed).compile()
    compile_seconds = time.perf_counter() - start
    start = time.perf_counter()
    params, (returns, counts) = jax.block_until_ready(program(arguments.seed))
    seconds = time.perf_counter() - start
    last = slice(-max(1, len(counts) // 20), None)
    report.result("xla", arguments.workload, steps, seconds, float(evaluate(params, 1_000_000 + arguments.seed)),
                  compile_seconds=round(compile_seconds, 2),
                  training_return=round(float(returns[last].sum() / max(1, counts[last].sum())), 1),
                  versions={"jax": jax.__version__, "optax": optax.__version__})


if __name__ == "__main__":
    main()
