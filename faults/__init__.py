"""What can go wrong: one file a fault, registered by its import here."""

from faults import provider_outage as provider_outage
from faults import region_down as region_down
from faults import slow_first_token as slow_first_token
from faults import stream_cut as stream_cut
from faults import throttling as throttling
