import moslabels


def model(dbt, session):
    """Labels joined onto the rows of a model, under the same gates as a run of moslabels."""
    dbt.config(materialized="table")
    return moslabels.join(
        dbt.ref("features"),
        "../../quickstart/natural_labels.csv",
        connection=session,
        feature_key_regex="([0-9]{6,})_",
        label_key_column="flickr_id",
    ).table
