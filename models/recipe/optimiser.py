"""Muon (Jordan et al. 2024): momentum whose matrix is made orthogonal before each step.

With few steps it learns about twice as much per step from convolutions as AdamW does.
"""

import torch


def orthogonal(matrix: torch.Tensor) -> torch.Tensor:
    """Near enough the orthogonal factor of a matrix: five steps of Newton and Schulz' iteration."""
    a, b, c = 3.4445, -4.7750, 2.0315
    x = (matrix / (matrix.norm() + 1e-7)).bfloat16()
    wide = x.shape[0] <= x.shape[1]
    x = x if wide else x.T
    for _ in range(5):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return (x if wide else x.T).float()


class Muon(torch.optim.Optimizer):
    def __init__(self, params, lr: float, momentum: float = 0.9, decay: float = 0.02):
        super().__init__(params, {"lr": lr, "momentum": momentum, "decay": decay})

    @torch.no_grad()
    def step(self) -> None:
        for group in self.param_groups:
            for param in group["params"]:
                if param.grad is None:
                    continue
                state = self.state[param]
                if "mean" not in state:
                    state["mean"] = torch.zeros_like(param)
                mean = state["mean"].mul_(group["momentum"]).add_(param.grad)
                ahead = param.grad + mean * group["momentum"]
                step = orthogonal(ahead.reshape(len(param), -1)).reshape(param.shape)
                fan = max(1.0, len(param) / param[0].numel()) ** 0.5
                param.mul_(1 - group["lr"] * group["decay"]).add_(step, alpha=-group["lr"] * fan)
