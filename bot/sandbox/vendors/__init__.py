"""Pretend vendors that keep state, demand the right credentials and speak real HTTP."""

from bot.sandbox.vendors.akana import PretendAkana
from bot.sandbox.vendors.app47 import PretendApp47
from bot.sandbox.vendors.app_store_connect import PretendAppStoreConnect
from bot.sandbox.vendors.appcircle import PretendAppcircle
from bot.sandbox.vendors.applivery import PretendApplivery

__all__ = ["PretendAkana", "PretendApp47", "PretendAppStoreConnect", "PretendAppcircle", "PretendApplivery"]
