"""What a handler may ask the application and the request for."""

import asyncio
from collections.abc import Mapping

from aiohttp import web

from gateway.actions.accounts import Accounts, PlatformsPort
from gateway.actions.admit import Admit
from gateway.actions.check_health import CheckHealth
from gateway.actions.connect_account import ConnectAccount
from gateway.actions.control_transfer import ControlTransfer
from gateway.actions.create_transfer import CreateTransfer
from gateway.actions.follow_transfer import FollowTransfer, StreamLimits
from gateway.actions.keep_connections import KeepConnections
from gateway.actions.keep_files import KeepFiles
from gateway.actions.keep_keys import KeepKeys
from gateway.actions.keep_rules import KeepRules
from gateway.actions.keep_webhooks import KeepWebhooks
from gateway.actions.list_playlists import ListPlaylists
from gateway.actions.manage_users import ManageUsers
from gateway.actions.plan_transfer import PlanTransfer
from gateway.actions.read_transfer import ReadTransfer
from gateway.actions.redirect_uri import PublicAddress
from gateway.actions.replay_delivery import ReplayDelivery
from gateway.actions.report_transfer import ReportTransfer
from gateway.actions.retry_transfer import RetryTransfer
from gateway.actions.review_item import ReviewItem
from gateway.actions.show_platforms import ShowPlatforms
from gateway.actions.undo_transfer import UndoTransfer
from gateway.leaving import Leaving
from shared.allowances import Allowance
from shared.db.api_keys import Access
from shared.models import UserId
from shared.settings import Settings

SETTINGS = web.AppKey("settings", Settings)
ADDRESS = web.AppKey("address", PublicAddress)
BACKGROUND: web.AppKey[Mapping[str, "asyncio.Task[None]"]] = web.AppKey("background")
CLOSING = web.AppKey("closing", asyncio.Event)
LEAVING = web.AppKey("leaving", Leaving)
STREAM_LIMITS = web.AppKey("stream_limits", StreamLimits)
OPENAPI = web.AppKey("openapi", bytes)
REFERENCE = web.AppKey("reference", str)

ADMIT = web.AppKey("admit", Admit)
KEEP_KEYS = web.AppKey("keep_keys", KeepKeys)
MANAGE_USERS = web.AppKey("manage_users", ManageUsers)
PLATFORMS: web.AppKey[PlatformsPort] = web.AppKey("platforms")
ACCOUNTS = web.AppKey("accounts", Accounts)
CREATE_TRANSFER = web.AppKey("create_transfer", CreateTransfer)
PLAN_TRANSFER = web.AppKey("plan_transfer", PlanTransfer)
CONTROL_TRANSFER = web.AppKey("control_transfer", ControlTransfer)
RETRY_TRANSFER = web.AppKey("retry_transfer", RetryTransfer)
UNDO_TRANSFER = web.AppKey("undo_transfer", UndoTransfer)
KEEP_WEBHOOKS = web.AppKey("keep_webhooks", KeepWebhooks)
REPLAY_DELIVERY = web.AppKey("replay_delivery", ReplayDelivery)
KEEP_FILES = web.AppKey("keep_files", KeepFiles)
KEEP_RULES = web.AppKey("keep_rules", KeepRules)
REVIEW_ITEM = web.AppKey("review_item", ReviewItem)
REPORT_TRANSFER = web.AppKey("report_transfer", ReportTransfer)
READ_TRANSFER = web.AppKey("read_transfer", ReadTransfer)
FOLLOW_TRANSFER = web.AppKey("follow_transfer", FollowTransfer)
LIST_PLAYLISTS = web.AppKey("list_playlists", ListPlaylists)
SHOW_PLATFORMS = web.AppKey("show_platforms", ShowPlatforms)
CONNECT_ACCOUNT = web.AppKey("connect_account", ConnectAccount)
KEEP_CONNECTIONS = web.AppKey("keep_connections", KeepConnections)
CHECK_HEALTH = web.AppKey("check_health", CheckHealth)

ACCESS = web.RequestKey("access", Access)
ALLOWANCE = web.RequestKey("allowance", Allowance)
USER_ID: web.RequestKey[UserId] = web.RequestKey("user_id")
REQUEST_ID = web.RequestKey("request_id", str)
