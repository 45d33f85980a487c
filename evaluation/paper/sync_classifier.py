"""The network that says how well a video and a sound keep time: one score for twelve frames and two seconds of sound.

Zhang et al., "Audio-synchronized visual animation" (ECCV 2024), on the encoders of Morgado et al., "Audio-visual
instance discrimination with cross-modal agreement" (CVPR 2021); the video is convolved in space and time by turns (Tran
et al., R(2+1)D, CVPR 2018). Names are those of the three published files (published-model i).
"""

import torch
from torch import nn
from torch.nn import functional

WIDTHS = (64, 128, 256, 512)  # channels of the four stages of either encoder
EMBEDDING = WIDTHS[-1]
N_FRAMES = 12
IMAGE_SIZE = 224  # pixels


class SyncClassifier(nn.Module):
    """Both encoders and the head, under the names of the folders that hold their files."""

    def __init__(self) -> None:
        super().__init__()
        self.audio_encoder = AudioEncoder()
        self.video_encoder = VideoEncoder()
        self.head = _Head()

    def forward(self, mel: torch.Tensor, video: torch.Tensor) -> torch.Tensor:
        """Scores (B,), the higher the better in time.

        mel: (B, 1, 128, 204), of mel.waveform_to_mel. video: (B, 3, 12, 224, 224) at 6 fps, normalised as for CLIP.
        Other numbers of frames give a score too; the network was not trained on them.
        """
        return self.score(self.audio_encoder(mel), self.video_encoder(video))

    def score(self, audio: torch.Tensor, video: torch.Tensor) -> torch.Tensor:
        """Scores (B,) of the embeddings (B, 512) of sounds and videos."""
        return self.head(torch.cat([audio, video], dim=1))[:, 0]


class AudioEncoder(nn.Module):
    """(B, 1, bins, columns) -> (B, 512)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Sequential(
            nn.Conv2d(1, 64, 7, stride=2, padding=3, bias=False), nn.BatchNorm2d(64), nn.ReLU()
        )
        self.block1 = _AudioBlock(64, WIDTHS[0], stride=2)
        self.block2 = _AudioBlock(WIDTHS[0], WIDTHS[1], stride=2)
        self.block3 = _AudioBlock(WIDTHS[1], WIDTHS[2], stride=2)
        self.block4 = _AudioBlock(WIDTHS[2], WIDTHS[3], stride=1)

    def forward(self, mel: torch.Tensor) -> torch.Tensor:
        x = self.block4(self.block3(self.block2(self.block1(self.conv1(mel)))))
        return x.mean(dim=(2, 3))


class _AudioBlock(nn.Module):
    def __init__(self, n_in: int, n_out: int, *, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(n_in, n_out, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(n_out)
        self.conv2 = nn.Conv2d(n_out, n_out, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(n_out)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = functional.relu(self.bn1(self.conv1(x)))
        return functional.relu(self.bn2(self.conv2(x)))


class VideoEncoder(nn.Module):
    """(B, 3, frames, H, W) -> (B, 512)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Sequential(
            nn.Conv3d(3, 64, (3, 7, 7), stride=(1, 2, 2), padding=(1, 3, 3), bias=False),
            nn.BatchNorm3d(64),
            nn.ReLU(),
            nn.MaxPool3d((1, 3, 3), stride=(1, 2, 2), padding=(0, 1, 1)),
        )
        self.conv2x = _stage(64, WIDTHS[0], stride=1)
        self.conv3x = _stage(WIDTHS[0], WIDTHS[1], stride=2)
        self.conv4x = _stage(WIDTHS[1], WIDTHS[2], stride=2)
        self.conv5x = _stage(WIDTHS[2], WIDTHS[3], stride=2)

    def forward(self, video: torch.Tensor) -> torch.Tensor:
        x = self.conv5x(self.conv4x(self.conv3x(self.conv2x(self.conv1(video)))))
        return x.mean(dim=(2, 3, 4))


def _stage(n_in: int, n_out: int, *, stride: int) -> nn.Sequential:
    return nn.Sequential(
        _VideoBlock(n_in, n_out, stride=stride), _VideoBlock(n_out, n_out, stride=1)
    )


class _VideoBlock(nn.Module):
    """Twice a convolution in space and one in time; the input is added before the last norm."""

    def __init__(self, n_in: int, n_out: int, *, stride: int) -> None:
        super().__init__()
        self.spt_conv1 = _space(n_in, n_out, stride)
        self.spt_bn1 = nn.BatchNorm3d(n_out)
        self.tmp_conv1 = _time(n_out, stride)
        self.tmp_bn1 = nn.BatchNorm3d(n_out)
        self.spt_conv2 = _space(n_out, n_out, 1)
        self.spt_bn2 = nn.BatchNorm3d(n_out)
        self.tmp_conv2 = _time(n_out, 1)
        self.out_bn = nn.BatchNorm3d(n_out)
        self.res_conv = None
        if stride != 1 or n_in != n_out:
            self.res_conv = nn.Conv3d(n_in, n_out, 1, stride=stride, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        kept = x if self.res_conv is None else self.res_conv(x)
        x = functional.relu(self.spt_bn1(self.spt_conv1(x)))
        x = functional.relu(self.tmp_bn1(self.tmp_conv1(x)))
        x = functional.relu(self.spt_bn2(self.spt_conv2(x)))
        return functional.relu(self.out_bn(self.tmp_conv2(x) + kept))


def _space(n_in: int, n_out: int, stride: int) -> nn.Conv3d:
    return nn.Conv3d(
        n_in, n_out, (1, 3, 3), stride=(1, stride, stride), padding=(0, 1, 1), bias=False
    )


def _time(width: int, stride: int) -> nn.Conv3d:
    return nn.Conv3d(width, width, (3, 1, 1), stride=(stride, 1, 1), padding=(1, 0, 0), bias=False)


class _Head(nn.Module):
    """The perceptron behind both embeddings (B, 1024) -> (B, 1); its dropout is for training alone."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Sequential(
            nn.Linear(2 * EMBEDDING, 512),
            nn.ReLU(),
            nn.Dropout(),
            nn.Linear(512, 256),
            nn.ReLU(),
            nn.Dropout(),
            nn.Linear(256, 1),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc(x)
