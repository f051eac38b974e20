"""Reads an event folder with TensorBoard's own classes. Usage: check_events.py <folder>"""
import math
import sys
import time

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import metadata

events = EventAccumulator(sys.argv[1], size_guidance={"scalars": 0, "tensors": 0})
events.Reload()

rewards = [(e.step, e.value) for e in events.Scalars("rollout/ep_rew_mean")]
assert rewards == [(1000 * k, 1.5 * k) for k in range(6)] + [(1000 * k, -k) for k in (6, 7, 8)], rewards
assert all(abs(e.wall_time - time.time()) < 600 for e in events.Scalars("rollout/ep_rew_mean"))
assert math.isnan(events.Scalars("train/loss")[0].value)
fps = events.Scalars("time/fps")[0]
assert fps.step == 6_000_000_000 and abs(fps.value - 12345.678) < 1e-3

text = events.Tensors("config")[0]
assert text.step == 0 and text.tensor_proto.string_val[0].decode() == "gamma = 0.99\n**bold** ü"
assert events.SummaryMetadata("config").plugin_data.plugin_name == "text"

image = events.Images("eval/video")[0]
assert (image.step, image.width, image.height) == (3000, 3, 2)
assert image.encoded_image_string == b"GIF89a...", image.encoded_image_string

content = {tag: events.SummaryMetadata(tag).plugin_data.content for tag in events.Tags()["tensors"] if tag.startswith("_hparams_")}
experiment = metadata.parse_experiment_plugin_data(content["_hparams_/experiment"])
types = {info.name: info.type for info in experiment.hparam_infos}
assert types == {"agent": 1, "normalize": 2, "learning_rate": 3}, types
assert [m.name.tag for m in experiment.metric_infos] == ["rollout/ep_rew_mean", "eval/mean_reward"]
start = metadata.parse_session_start_info_plugin_data(content["_hparams_/session_start_info"])
assert start.hparams["learning_rate"].number_value == 3e-4
assert start.hparams["normalize"].bool_value is True and start.hparams["agent"].string_value == "ppo"
end = metadata.parse_session_end_info_plugin_data(content["_hparams_/session_end_info"])
assert end.status == 1
