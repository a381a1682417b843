"""Sets of values that between them turn every part of the chart on and off."""

from __future__ import annotations

from typing import Any

DATABASE = {"database": {"existingSecret": "segue-database"}}

MATRIX: dict[str, dict[str, Any]] = {
    "least": {},
    "trained": {
        "catalog": {"source": "s3://music/tracks/", "interactions": "s3://music/playlists.csv"},
        "training": {
            "onAlert": True,
            "settings": {"rounds": 500, "promote": False, "layout": {"band": "artist_name"}},
            "pipelines": {"namespace": "team-a", "serviceAccount": "default-editor"},
        },
    },
    "single user": {"catalog": {"source": "sample"}, "training": {"pipelines": {"audience": ""}}},
    "hpa": {
        **DATABASE,
        "autoscaling": {"class": "hpa"},
        "gateway": {"replicas": 2, "maxReplicas": 6},
    },
    "keda": {
        **DATABASE,
        "autoscaling": {"class": "keda"},
        "gateway": {"replicas": 2, "maxReplicas": 6},
        "monitoring": {"enabled": True, "labels": {"prometheus": "main"}},
    },
    "ingress": {
        "ingress": {
            "enabled": True,
            "className": "nginx",
            "gatewayHost": "api.music.example",
            "uiHost": "music.example",
            "tlsSecret": "music-tls",
            "annotations": {"example.com/a": "b"},
        }
    },
    "http route": {
        "httpRoute": {
            "enabled": True,
            "parentRefs": [{"name": "public", "namespace": "gateways"}],
            "gatewayHost": "api.music.example",
            "uiHost": "music.example",
        }
    },
    "evaluation": {
        "database": {"existingSecret": "segue-database"},
        "catalog": {"source": "sample"},
        "evaluation": {
            "minio": {"enabled": True},
            "postgresql": {"enabled": True},
            "mlflow": {"enabled": True},
        },
    },
    "log that is kept for a while": {
        **DATABASE,
        "retention": {"enabled": True, "olderThan": "12w", "schedule": "15 1 * * 0"},
    },
    "served with a canary": {"gateway": {"challenger": {"release": "segue-challenger", "share": 0.25}}},
    "canary": {
        "store": {"channel": "challenger"},
        "gateway": {"enabled": False, "release": "segue"},
        "ui": {"enabled": False},
    },
    "trained without a schedule": {"catalog": {"source": "sample"}, "training": {"schedule": ""}},
    "open network, scratch volume": {
        **DATABASE,
        "networkPolicy": {"enabled": False},
        "gateway": {"volume": {"persistent": False}},
    },
    "every knob of a pod": {
        "images": {"registry": "registry.example/segue", "tag": "1.2.3", "pullSecrets": ["registry"]},
        "commonLabels": {"team": "music"},
        **{
            component: {
                "nodeSelector": {"disk": "ssd"},
                "tolerations": [{"key": "music", "operator": "Exists"}],
                "priorityClassName": "high",
                "podAnnotations": {"example.com/a": "b"},
                "extraEnv": [{"name": "A", "value": "b"}],
            }
            for component in ("predictor", "transformer", "gateway", "ui")
        },
        "networkPolicy": {
            "gatewayFrom": [{"namespaceSelector": {"matchLabels": {"team": "music"}}}],
            "uiFrom": [{"ipBlock": {"cidr": "10.0.0.0/8"}}],
        },
    },
}
