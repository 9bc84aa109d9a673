"""Linear layers and convolutions that are a kernel's when they are applied to the few positions of a step."""

from torch import Tensor, nn

from parley.native.library import Kept, Packed, serves

FEW = 16  # frames
MOST = 1024  # positions: beyond, threads and blocking are worth more than a row whose bits do not depend on the others


class Linear(nn.Linear):
    """`nn.Linear` with the same weights; without gradients on a CPU a position's output is the same bits however many there are."""

    def __init__(self, width_in: int, width_out: int, bias: bool = True) -> None:
        super().__init__(width_in, width_out, bias)
        self._native: Kept[Packed] = Kept()

    def forward(self, input: Tensor) -> Tensor:
        if input[..., 0].numel() > MOST or not serves(input, ()) or self.weight.dtype != input.dtype:
            return super().forward(input)
        packed = self._native.of(self, lambda: Packed([self.weight], self.bias))
        return packed(input.reshape(-1, self.in_features)).view(*input.shape[:-1], self.out_features)


class Conv1d(nn.Conv1d):
    """`nn.Conv1d` without padding, dilation or groups, and with the same weights: of few frames one product of matrices."""

    def __init__(self, channels_in: int, channels_out: int, kernel: int, stride: int) -> None:
        super().__init__(channels_in, channels_out, kernel, stride)
        self._native: Kept[Packed] = Kept()

    def forward(self, input: Tensor) -> Tensor:
        if input.shape[2] > FEW or not serves(input, ()) or self.weight.dtype != input.dtype:
            return super().forward(input)
        packed = self._native.of(self, lambda: Packed([self.weight.flatten(1)], self.bias))
        windows = input.unfold(2, self.kernel_size[0], self.stride[0]).transpose(1, 2).flatten(2)  # (rows, frames, channels * kernel)
        return packed(windows.flatten(0, 1)).view(*windows.shape[:2], -1).transpose(1, 2)
