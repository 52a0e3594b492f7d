"""One call of AWS's API, as its policies see it."""

from dataclasses import dataclass

from brownout.iam.context import Context
from brownout.iam.principals import Principal


@dataclass(frozen=True, slots=True)
class Request:
    """Who wants to do what to which resource, and in which circumstances.

    Attributes:
        action: such as ``s3:GetObject``.
        resource: its ARN.
        owner: the number of the account that has the resource.
    """

    principal: Principal
    action: str
    resource: str
    owner: str
    context: Context

    @property
    def service(self) -> str:
        """The action's service, such as ``s3``."""
        return self.action.partition(":")[0].lower()

    @property
    def crosses(self) -> bool:
        """Whether the caller and the resource are of different accounts."""
        return self.principal.account != self.owner
