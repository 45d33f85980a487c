"""Other people's implementations, set up as the published model has it."""

from diffusers import DDIMScheduler


def diffusers_scheduler():
    """diffusers' DDIM of the schedule of published-model e.1: zero terminal SNR, trailing levels, v-prediction."""
    return DDIMScheduler(
        num_train_timesteps=1000,
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        clip_sample=False,
        set_alpha_to_one=False,
        prediction_type="v_prediction",
        timestep_spacing="trailing",
        rescale_betas_zero_snr=True,
    )
