from django.apps import AppConfig


class LiftmonConfig(AppConfig):
    name = "liftmon"
    verbose_name = "Liftmon"
