"""The resources of alidade.dev as pydantic models; the CRDs are generated from them."""
